use crate::mail::{
    lex::lex,
    link::{Destination, Piece},
    page::{Page, read},
};

fn page(source: &str) -> Result<Page, Vec<String>> {
    let tokens = lex("f", source).unwrap();
    read(&tokens).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn links_are_numbered_and_their_destinations_kept() {
    let page = page(
        "<a href=\"https://example.com/?a=1&amp;b=2\">x</a><a class=b HREF = '{{company.website}}'>\
         y</a><a href=\"mailto:{{rep.email}}\">z</a><a href=\"{{mail.unsubscribe_url}}\">u</a>",
    )
    .ok()
    .unwrap();
    assert_eq!(
        page.markup,
        "<a href=\"HBQ00000Q\">x</a><a class=b HREF = 'HBQ00001Q'>y</a><a \
         href=\"mailto:HBQ00002Q\">z</a><a href=\"HBQ00003Q\">u</a>"
    );
    assert_eq!(page.tags[..2], ["{{links.l0}}", "{{links.l1}}"]);
    assert_eq!(
        page.links,
        [
            Destination::Fixed("https://example.com/?a=1&b=2".to_owned()),
            Destination::Filled(vec![Piece::Value("company.website".to_owned())]),
        ]
    );
}

#[test]
fn a_condition_becomes_a_comment_and_a_value_a_word() {
    let page = page("<p>{{#if greeting}}{{greeting}}{{/if}}</p>").ok().unwrap();
    assert_eq!(page.markup, "<p><!--HBQ00000Q-->HBQ00001Q<!--HBQ00002Q--></p>");
}

#[test]
fn values_stand_only_where_escaping_protects() {
    for source in [
        "<script>{{greeting}}</script>",
        "<style>p{color:{{greeting}}}</style>",
        "<p style=\"color:{{greeting}}\">",
        "<p onclick=\"{{greeting}}\">",
        "<p title={{greeting}}>",
        "<p title=a{{greeting}}>",
        "<p {{greeting}}>",
        "<p {{greeting}}=\"a\">",
        "<{{greeting}}>",
        "<p{{greeting}}>",
        "<!-- {{greeting}} -->",
        "<a href=\"{{greeting}}\">x</a>",
        "<a href=\" javascript:{{greeting}}\">x</a>",
        "<img src=\"https://example.com/{{greeting}}\">",
        "<td background=\"{{company.website}}\">",
        "<p title=\"{{#if greeting}}a{{/if}}\">",
        "<title>{{#if greeting}}a{{/if}}</title>",
        "<textarea>{{greeting}}</textarea>",
    ] {
        assert!(page(source).is_err(), "{source}");
    }
    for source in
        ["<title>{{greeting}}</title>", "<p title=\"{{greeting}}\">{{greeting}}</p> a < b"]
    {
        assert!(page(source).is_ok(), "{source}");
    }
}

#[test]
fn elements_and_attributes_that_reach_out_are_refused() {
    for source in [
        "<script>a</script>",
        "<link rel=stylesheet href=\"https://example.com/a.css\">",
        "<iframe src=\"https://example.com/\"></iframe>",
        "<base href=\"https://example.com/\">",
        "<p ONCLICK=a>",
        "<p onclick>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<a href=\"java&#115;cript:alert(1)\">x</a>",
        "<a href=\"data:text/html,x\">x</a>",
        "<a href=\"/relative\">x</a>",
        "<a href=javascript:alert(1)>x</a>",
        "<img src=\"javascript:alert(1)\">",
        "<p title=\"never closed",
        "<!-- never closed",
    ] {
        assert!(page(source).is_err(), "{source}");
    }
}

#[test]
fn a_problem_says_where_it_is() {
    let problems = page("<p>\n  <a href=\"nowhere\">x</a>").err().unwrap();
    assert_eq!(problems, ["f:2:11: a link must begin with http:// or https://"]);
}

#[test]
fn thousands_of_open_elements_are_refused() {
    assert!(page(&"<div>".repeat(50_000)).is_err());
    assert!(page(&"<br><p></p>".repeat(5_000)).is_ok());
}
