"""Made-up customer accounts of three sources with known truth: who is who is a column.

Households share phones and addresses, popular names have namesakes, a third of the people is Chinese; fields are
mistyped, missing, changed since, and written differently. Everything follows from `seed`. Not here: linking and scores.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import polars as pl

SOURCES = ("app", "crm", "market")


def _words(text: str) -> list[str]:
    return text.split()


_FIRST = _words(
    "Anna Maria Emma Mia Sophie Laura Lea Julia Lisa Sarah Katharina Hannah Clara Eva Nina Paula Marie Johanna Ida "
    "Alice Grace Olivia Amelia Isla Ava Emily Chloe Lucy Ruby Paul Jonas Lukas Leon Felix Max Jan Tim Tom David "
    "Peter Michael Thomas Andreas Stefan Christian Martin Frank Klaus James William Henry George Oliver Jack Harry "
    "Arthur Oscar Robert Charles Edward Samuel Joseph Benjamin Adam Nathan Ryan Luis Carlos Juan Pablo Miguel Sofia "
    "Lucia Carmen Elena Rosa Pierre Louis Camille Manon Jules Hugo Antoine Giulia Marco Luca Matteo Chiara Ingrid Lars"
)
_LAST = _words(
    "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Bauer Richter Klein Wolf Schröder "
    "Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Werner Krause Lehmann Köhler Maier Herrmann Walter "
    "König Huber Kaiser Fuchs Peters Lang Scholz Möller Weiß Jung Hahn Vogel Friedrich Keller Günther Frank Berger "
    "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts Green "
    "Hall Wood Jackson Clarke Patel Khan Lewis James Phillips Mitchell Anderson Carter Morris Turner Parker Cooper "
    "García Martínez López Sánchez Pérez Gómez Fernández Díaz Moreno Álvarez Dubois Durand Leroy Moreau Simon Laurent "
    "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Hansen Olsen Larsen Andersen Berg"
)
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
_GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建国文辉力鹏飞宇浩轩梓涵欣怡子墨雨晨思远佳琪一诺俊博雪梅春"
    "晓东海波志成永健世荣德福天龙家豪嘉欢美玲慧颖婷婉莹倩蕾薇岚琳晶月星云航凯翔睿哲恒"
)
_CITIES = _words(
    "Berlin Hamburg München Köln Frankfurt Stuttgart Leipzig Dresden Bremen Hannover Nürnberg Essen Dortmund Bonn "
    "Münster Mainz Kassel Freiburg Augsburg Rostock London Leeds Bristol York Paris Lyon Madrid Sevilla Milano Torino"
)
_CHINESE_CITIES = _words(
    "北京 上海 广州 深圳 成都 杭州 武汉 西安 南京 重庆 天津 苏州 长沙 青岛 大连 厦门 宁波 无锡 济南 郑州"
)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Faults:
    """Shares of what goes wrong, each field by itself."""

    typo: float = 0.05
    phone_missing: float = 0.30
    email_missing: float = 0.15
    birth_date_missing: float = 0.05
    city_missing: float = 0.05
    phone_changed: float = 0.05
    email_changed: float = 0.10
    moved: float = 0.05
    phone_of_household: float = 0.25
    email_of_household: float = 0.03


@dataclass
class _Person:
    number: int
    name: tuple[str, str]
    birth_date: date
    city: str
    phone: str
    email: str
    is_chinese: bool


@dataclass
class _Draw:
    """Random choices of one seed, in batches: a call a choice takes 3 µs instead of 0.1."""

    rng: np.random.Generator
    _pool: list[float] = field(default_factory=list)

    def share(self) -> float:
        """Return a number from 0 to 1."""
        if not self._pool:
            self._pool = self.rng.random(100_000).tolist()
        return self._pool.pop()

    def below(self, n: int) -> int:
        """Return a whole number from 0 to n - 1."""
        return int(self.share() * n)

    def one(self, items: list[str] | str, skew: float = 1.0) -> str:
        """Return one item; with a skew above 1 the first are drawn more often."""
        return items[int(self.share() ** skew * len(items))]


def generate(accounts: int, seed: int = 20260101, faults: Faults | None = None) -> pl.DataFrame:
    """Return `accounts` rows: source, customer_id, full_name, phone, email, birth_date, city; the truth is `person`."""
    draw, faults = _Draw(np.random.default_rng(seed)), faults or Faults()
    rows: list[tuple] = []
    number = 0
    while len(rows) < accounts:
        household = _household(draw, number, faults)
        number += len(household)
        for person in household:
            rows += _accounts(draw, person, faults, len(rows))
    columns = ["source", "customer_id", "full_name", "phone", "email", "birth_date", "city", "person"]
    return pl.DataFrame(rows[:accounts], schema=columns, orient="row", infer_schema_length=None)


def _household(draw: _Draw, number: int, faults: Faults) -> list[_Person]:
    """Draw one to five people at one address: partners, children with their birth dates, a few twins."""
    is_chinese = draw.share() < 0.35
    surname = draw.one(_SURNAMES, 1.8) if is_chinese else draw.one(_LAST, 1.5)
    city = draw.one(_CHINESE_CITIES if is_chinese else _CITIES, 1.5)
    born = date(1945, 1, 1) + timedelta(days=draw.below(14_600))
    people: list[_Person] = []
    shared_phone, shared_email = _phone(draw, is_chinese), ""
    for k in range((1, 1, 1, 2, 2, 3, 4, 5)[draw.below(8)]):
        if k >= 2:
            twin = k > 2 and draw.share() < 0.03
            birthday = people[-1].birth_date if twin else born + timedelta(days=9_000 + draw.below(5_000))
        else:
            birthday = born + timedelta(days=draw.below(2_500)) if k else born
        given = _given(draw, is_chinese)
        while given in {p.name[0] for p in people} and draw.share() < 0.95:  # some sons are called like their father
            given = _given(draw, is_chinese)
        name = (given, surname if k != 1 or draw.share() < 0.6 else draw.one(_LAST))
        if is_chinese and k == 1:  # Chinese partners keep their names
            name = (name[0], draw.one(_SURNAMES, 1.8))
        phone = shared_phone if k and draw.share() < faults.phone_of_household else _phone(draw, is_chinese)
        email = _email(draw, name, is_chinese)
        if k and draw.share() < faults.email_of_household:
            email = shared_email
        if k == 0:
            phone, shared_email = shared_phone, email
        people.append(_Person(number + k, name, birthday, city, phone, email, is_chinese))
    return people


def _given(draw: _Draw, is_chinese: bool) -> str:
    if not is_chinese:
        return draw.one(_FIRST, 1.4)
    return "".join(draw.one(_GIVEN, 1.3) for _ in range(1 if draw.share() < 0.25 else 2))


def _phone(draw: _Draw, is_chinese: bool) -> str:
    if is_chinese:
        return f"+861{3 + draw.below(7)}{draw.below(10**9):09d}"
    return f"+491{5 + draw.below(3)}{draw.below(10**8):09d}"


def _email(draw: _Draw, name: tuple[str, str], is_chinese: bool) -> str:
    if is_chinese:
        return f"{10**7 + draw.below(9 * 10**8)}@qq.com"
    plain = f"{name[0]}.{name[1]}".lower().replace("ü", "ue").replace("ö", "oe").replace("ä", "ae").replace("ß", "ss")
    return f"{plain}{draw.below(9_000)}@{draw.one(['gmail.com', 'gmx.de', 'web.de', 'outlook.com', 'mail.co.uk'])}"


def _accounts(draw: _Draw, person: _Person, faults: Faults, first: int) -> list[tuple]:
    """Draw the accounts of one person: in one, two or all three sources, now and then two in the same one."""
    start, count = draw.below(3), (1, 1, 2, 2, 2, 3)[draw.below(6)]
    sources = [SOURCES[(start + k) % 3] for k in range(count)]
    if draw.share() < 0.03:
        sources.append(sources[0])
    rows = []
    for k, source in enumerate(sources):
        phone = _phone(draw, person.is_chinese) if k and draw.share() < faults.phone_changed else person.phone
        email = person.email
        if k and draw.share() < faults.email_changed:
            email = _email(draw, person.name, person.is_chinese)
        city = (
            draw.one(_CHINESE_CITIES if person.is_chinese else _CITIES) if draw.share() < faults.moved else person.city
        )
        rows.append(
            (
                source,
                f"{source[0]}{first + k:07d}",
                _written_name(draw, person, faults),
                None if draw.share() < faults.phone_missing else _written_phone(draw, _typed(draw, phone, faults)),
                None if draw.share() < faults.email_missing else _case(draw, _typed(draw, email, faults)),
                None if draw.share() < faults.birth_date_missing else _typed_date(draw, person.birth_date, faults),
                None if draw.share() < faults.city_missing else _case(draw, _typed(draw, city, faults)),
                person.number,
            )
        )
    return rows


def _typed(draw: _Draw, text: str, faults: Faults) -> str:
    """Return the text, mistyped by one sign in a share of cases: another, a missing, a doubled, two swapped."""
    if draw.share() >= faults.typo or len(text) < 2:
        return text
    at, kind = draw.below(len(text) - 1) + (text[0] == "+"), draw.below(4)
    at = min(at, len(text) - 2)
    sign = text[at]
    other = str(draw.below(10)) if sign.isdigit() else draw.one(_LETTERS if sign.isascii() else _GIVEN)
    return (
        text[:at] + other + text[at + 1 :],
        text[:at] + text[at + 1 :],
        text[:at] + sign + text[at:],
        text[:at] + text[at + 1] + sign + text[at + 2 :],
    )[0 if not sign.isascii() else kind]


def _written_name(draw: _Draw, person: _Person, faults: Faults) -> str:
    first, last = person.name
    if person.is_chinese:
        return _typed(draw, last + first, faults)
    name = _typed(draw, f"{first} {last}", faults)
    if draw.share() < 0.15 and name.count(" ") == 1:
        name = ", ".join(reversed(name.split(" ")))
    return _case(draw, name)


def _case(draw: _Draw, text: str) -> str:
    choice = draw.share()
    return text.upper() if choice < 0.1 else f" {text.lower()} " if choice < 0.2 else text


def _written_phone(draw: _Draw, phone: str) -> str:
    """Return a number as people write it: bare, in groups, with 00, or without the country code where it is German."""
    kind, body = draw.below(4), phone[3:]
    if kind == 1:
        return f"{phone[:3]} {body[:3]} {body[3:]}"
    if kind == 2:
        return f"00{phone[1:3]}-{body[:3]}-{body[3:]}"
    if kind == 3 and phone.startswith("+49"):
        return f"0{body[:3]}/{body[3:]}"
    return phone


def _typed_date(draw: _Draw, day: date, faults: Faults) -> date:
    if draw.share() >= faults.typo:
        return day
    for _ in range(20):
        text = day.isoformat()
        at = (2, 3, 5, 6, 8, 9)[draw.below(6)]
        wrong = text[:at] + str(draw.below(10)) + text[at + 1 :]
        if draw.share() < 0.3:
            wrong = f"{text[:5]}{text[8:]}-{text[5:7]}"
        try:
            found = date.fromisoformat(wrong)
        except ValueError:
            continue
        if found != day:
            return found
    return day
