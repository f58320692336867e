"""Words that name a theme, that praise and that complain, in English and Chinese. Belongs here: lists only."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


THEMES: dict[str, tuple[str, ...]] = {
    "quality": _words("broke broken defect defective faulty quality flimsy leak leaks 质量 坏 破"),
    "size": _words("size fit fits small large tight loose 尺码 偏大 偏小 大小"),
    "freshness": _words("stale rotten mould moldy mouldy expired spoiled fresh 过期 发霉 变质 新鲜"),
    "packaging": _words("package packaging box crushed dented seal 包装 盒 压坏"),
    "delivery": _words("delivery delivered late shipping courier arrived 快递 物流 发货 送货"),
    "price": _words("price expensive cheap overpriced value 价格 贵 便宜"),
    "service": _words("service staff rude refund return 客服 服务 退款 退货"),
    "smell_and_taste": _words("smell smells stinks taste tastes flavour flavor 味道 气味 异味 口感"),
    "availability": _words("stock unavailable 缺货 断货 没货"),
}
PRAISE = frozenset(
    _words(
        "good great excellent love loved perfect happy fresh recommend nice best comfortable "
        "好 喜欢 满意 不错 推荐 棒 舒服"
    )
)
COMPLAINT = frozenset(
    _words(
        "bad poor terrible awful hate broke broken defective faulty stale rotten expired "
        "disappointed disappointing worst rude late useless 差 坏 失望 糟 退货 过期 发霉 异味"
    )
)
NOT = frozenset(_words("not no never isn't wasn't don't didn't"))
NOT_BEFORE = tuple(_words("不 没 没有"))
