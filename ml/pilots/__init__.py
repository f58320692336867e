"""Pilots: which places try something and which they are compared with, what can be seen at all, and what came of it."""
