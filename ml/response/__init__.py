"""How demand answers to prices and promotions, as estimates with intervals.

What belongs here: own-price elasticity, uplift by mechanic and depth, the dip after, what it does to the rest of the
category; from weeks of sales and prices. What does not: the night's forecast with offers (ml/forecasting), and what to
do about it (ml/planning).
"""
