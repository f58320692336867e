select
    web_site_id,
    web_name,
    web_state
from web_site
order by web_site_id, web_rec_start_date
