"""What each customer will probably buy: from purchases by customer and day to value and repurchase probability."""
