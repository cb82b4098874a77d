from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.sendpulse.messages import html_from, text_from

MARKS = [
    "<",
    ">",
    "<!",
    "<![",
    "]]>",
    "<!--",
    "-->",
    "&",
    "&#",
    "<a href=",
    '"',
    "</",
    "<title>",
    "<?",
    "<p/>",
    "if mso",
    "x",
]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<p>Hello <b>Jane</b>,</p><p>bye</p>", "Hello Jane,\nbye"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<ul><li>a<li>b</ul>", "a\nb"),
        (
            'See <a href="https://shop.example/?a=1&amp;b=2">the\n shop</a>.',
            "See the shop (https://shop.example/?a=1&b=2).",
        ),
        ("<a name='top'></a>Hi", "Hi"),
        ("<head><title>T</title><style>p {}</style></head><p>Tea &amp; cake</p><script>1 < 2</script>", "Tea & cake"),
        ("<!--[if mso]><p>Outlook</p><![endif]--><![if !mso]><p>Others</p><![endif]>", "Others"),
        ("no mark at all", "no mark at all"),
        ('<img src="x">', " "),
        ("", " "),
    ],
)
def test_the_text_of_a_mail_is_what_its_reader_sees(content: str, text: str) -> None:
    assert text_from(content) == text


@given(st.lists(st.sampled_from(MARKS), max_size=12).map("".join) | st.text(max_size=60))
def test_whatever_is_sent_has_a_text(content: str) -> None:
    assert text_from(content)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=60))
def test_a_text_comes_back_from_the_html_it_is_made_into(text: str) -> None:
    assert text_from(html_from(text)) == text
