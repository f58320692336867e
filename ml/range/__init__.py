"""Range: which stores are alike, what each should list, where demand is not met, what leads where, what is a hit."""
