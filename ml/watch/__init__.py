"""What to look at: sales that may have left their channel, themes that jump in what customers write."""
