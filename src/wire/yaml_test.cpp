#include "wire/serializer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace lovage::wire {
namespace {

using testing::HasSubstr;

std::string as_yaml(value const& v) {
  auto const text = to_yaml(v);
  return text ? *text : "ERROR " + text.error().text();
}
value read(std::string_view text) {
  auto const v = from_yaml(text);
  return v ? *v : value{"ERROR " + v.error().text()};
}
std::string yaml_problem(std::string_view text) {
  auto const v = from_yaml(text);
  return v ? "no error: " + as_yaml(*v) : v.error().text();
}

constexpr auto body =
    "- - 1\n  - a\n  - null\n  - 2020-01-02 03:04:05\n- k:\n  - 1\n  - 2\n"
    "- callbacks: null\n  chain: null\n  chord: null\n  errbacks: null\n";
value body_value() {
  return value::list{value::list{1, "a", nullptr, datetime{1577934245000000, std::nullopt}},
                     value::map{{"k", value::list{1, 2}}},
                     value::map{{"callbacks", {}}, {"chain", {}}, {"chord", {}}, {"errbacks", {}}}};
}

TEST(yaml, writes_a_task_body_as_pyyaml_does) { EXPECT_EQ(as_yaml(body_value()), body); }

TEST(yaml, reads_a_task_body_of_pyyaml) { EXPECT_EQ(read(body), body_value()); }

TEST(yaml, lays_out_nested_blocks_as_pyyaml_does) {
  value const v{value::list{value::list{}, value::list{value::list{1, 2}, value::list{}},
                            value::map{{"m", value::map{{"k", value::list{}}, {"d", value::map{}}}}}}};
  EXPECT_EQ(as_yaml(v), "- []\n- - - 1\n    - 2\n  - []\n- m:\n    k: []\n    d: {}\n");
  EXPECT_EQ(read(as_yaml(v)), v);
}

TEST(yaml, resolves_plain_scalars_as_yaml_1_1) {
  EXPECT_EQ(read("[~, null, NULL, '']"), (value{value::list{{}, {}, {}, ""}}));
  EXPECT_EQ(read("-\n- a\n- # nothing\n"), (value{value::list{{}, "a", {}}}));
  EXPECT_EQ(read("[yes, No, ON, off, TRUE, False, y, n]"),
            (value{value::list{true, false, true, false, true, false, "y", "n"}}));
  EXPECT_EQ(read("[0, -0, 017, 0x1F, -0b101, 1_000, +5, 190:20:30, 0o7, 08, 0b, 1__0]"),
            (value{value::list{0, 0, 15, 31, -5, 1000, 5, 685230, "0o7", "08", "0b", 10}}));
  EXPECT_EQ(read("[1.0, 1., .5, 1.5e+3, 1e5, 1.5e3, -.inf, .Inf, 190:20:30.15, -.5, 1_0.5]"),
            (value{value::list{1.0, 1.0, 0.5, 1500.0, "1e5", "1.5e3", -std::numeric_limits<double>::infinity(),
                               std::numeric_limits<double>::infinity(), 685230.15, "-.5", 10.5}}));
  EXPECT_TRUE(std::isnan(*read(".nan").get_if<double>()));
  EXPECT_EQ(read("[123456789012345678901234567890, 18446744073709551615]"),
            (value{value::list{big_integer{"123456789012345678901234567890"}, UINT64_MAX}}));
}

TEST(yaml, resolves_timestamps) {
  EXPECT_EQ(read("2020-01-02"), (value{date{18263}}));
  EXPECT_EQ(read("2020-01-02T03:04:05.6Z"), (value{datetime{1577934245600000, 0}}));
  EXPECT_EQ(read("2020-1-2  3:04:05 -5:30"), (value{datetime{1577934245000000, -19800}}));
  EXPECT_EQ(read("2020-1-2"), value{"2020-1-2"});
  EXPECT_EQ(read("2020-01-02 03:04"), value{"2020-01-02 03:04"});
  EXPECT_THAT(yaml_problem("2020-13-02"), HasSubstr("no such time: 2020-13-02 (byte 0)"));
}

TEST(yaml, leaves_quoted_scalars_as_text_and_knows_the_safe_tags) {
  EXPECT_EQ(read("['1', \"yes\", !!str 1]"), (value{value::list{"1", "yes", "1"}}));
  EXPECT_EQ(read("[! 2, ! '2', ! \"a\", ! [], ! {}]"), (value{value::list{2, 2, "a", value::list{}, value::map{}}}));
  EXPECT_EQ(read("- !\n- ! ''\n"), (value{value::list{{}, {}}}));
  EXPECT_EQ(read("[!!int '1', !!float 1, !!bool 'no', !!null '', !!seq [], !!map {}]"),
            (value{value::list{1, 1.0, false, {}, value::list{}, value::map{}}}));
  EXPECT_EQ(read("!!binary |\n  /wBhYmM=\n"), (value{bytes{std::string{"\xff\0abc", 5}}}));
  EXPECT_EQ(read("- !!seq\n  - 1\n- !!map\n  a: 1\n"), (value{value::list{value::list{1}, value::map{{"a", 1}}}}));
}

// yaml.safe_dump of [[b"abc"], {}, {}]; of [[b"\xff\x00" * 40, [b""]], {"k": b"abc"}, {}].
TEST(yaml, reads_bytes_where_pyyaml_writes_them) {
  EXPECT_EQ(read("- - !!binary |\n    YWJj\n- {}\n- {}\n"),
            (value{value::list{value::list{bytes{"abc"}}, value::map{}, value::map{}}}));
  std::string octets;
  for (int i = 0; i < 40; ++i) octets.append("\xff\0", 2);
  value const v{
      value::list{value::list{bytes{octets}, value::list{bytes{}}}, value::map{{"k", bytes{"abc"}}}, value::map{}}};
  auto const* const dumped =
      "- - !!binary |\n"
      "    /wD/AP8A/wD/AP8A/wD/AP8A/wD/AP8A/wD/AP8A/wD/AP8A/wD/AP8A/wD/AP8A/wD/AP8A/wD/\n"
      "    AP8A/wD/AP8A/wD/AP8A/wD/AP8A/wA=\n  - - !!binary \"\"\n- k: !!binary |\n    YWJj\n- {}\n";
  EXPECT_EQ(read(dumped), v);
  EXPECT_EQ(read(as_yaml(v)), v) << as_yaml(v);
}

TEST(yaml, breaks_lines_where_pyyaml_does) {
  for (auto const* line_break : {"\n", "\r", "\r\n", "\u0085", "\u2028", "\u2029"}) {
    auto const lines = [&](std::string_view text) {
      std::string out;
      for (char const c : text) c == '\n' ? out += line_break : out += c;
      return out;
    };
    EXPECT_EQ(read(lines("- a\n- b # c\n- [d,\n   e]\n")), (value{value::list{"a", "b", value::list{"d", "e"}}}));
  }
  EXPECT_EQ(read("- 'a\r  b'\n- 'a\u0085  b'\n- 'a\u2028  b'\n- |\n  a\r  b\u2029  c\n"),
            (value{value::list{"a b", "a b", "a\u2028b", "a\nb\u2029c\n"}}));
}

TEST(yaml, reads_block_scalars) {
  EXPECT_EQ(read("- |\n  a\n\n- |-\n  a\n\n- |+\n  a\n\n- |2\n    a\n"),
            (value{value::list{"a\n", "a", "a\n\n", "  a\n"}}));
  EXPECT_EQ(read("- >\n  a\n  b\n\n- >-\n  a\n\n  b\n- >+\n  a\n\n\n- >\n  a\n   b\n  c\n"),
            (value{value::list{"a b\n", "a\nb", "a\n\n\n", "a\n b\nc\n"}}));
}

TEST(yaml, reads_quoted_scalars_over_several_lines_as_pyyaml_writes_them) {
  EXPECT_EQ(read("- '\n\n  '\n- 'a\n\n\n  '\n- 'a\n  b'\n- 'it''s'\n- \"a\\\n  \\ b\"\n"),
            (value{value::list{"\n", "a\n\n", "a b", "it's", "a b"}}));
  EXPECT_EQ(read(R"(["\N\_\L\P", "\xFC\u20AC\U0001F600", "\0\a\e\"\/\\", !!str "a  b", &x 'c', *x])"),
            (value{value::list{"\u0085\u00a0\u2028\u2029", "\u00fc\u20ac\U0001f600", std::string{"\0\a\x1b\"/\\", 6},
                               "a  b", "c", "c"}}));
  EXPECT_EQ(read("\xef\xbb\xbf'a\n\n\n  '"), value{"a\n\n"});
}

TEST(yaml, takes_a_byte_order_mark_off_the_text_and_keeps_others) {
  EXPECT_EQ(read("\ufeff- a\n- b\n"), (value{value::list{"a", "b"}}));
  EXPECT_EQ(read("- \ufeffa\n- 'b\ufeff'\n"), (value{value::list{"\ufeffa", "b\ufeff"}}));
  EXPECT_THAT(yaml_problem("\ufeff[\u00fc, \""), HasSubstr("(byte 9)"));
  // These PyYAML would read.
  EXPECT_THAT(yaml_problem("\ufeff\ufeffa"), HasSubstr("a byte order mark at the start of a line (byte 3)"));
  EXPECT_THAT(yaml_problem("---\u2028\ufeffa: 1"), HasSubstr("a byte order mark at the start of a line (byte 6)"));
}

TEST(yaml, keeps_an_empty_tagged_node_apart_from_the_quoted_key_below_it) {
  EXPECT_EQ(read("a:\n  !!str\n\"b\": 1\n"), (value{value::map{{"a", ""}, {"b", 1}}}));
  EXPECT_EQ(read("a:\n  !!str\n\"\\n\": 1\n"), (value{value::map{{"a", ""}, {"\n", 1}}}));
  EXPECT_EQ(read("? !!str\n&x 'b': 1\n"), (value{value::map{{"", {}}, {"b", 1}}}));
  EXPECT_EQ(read("- !!str\n  '\n\n  '\n- !!str \"\\\n  \"\n"), (value{value::list{"\n", ""}}));
}

TEST(yaml, refuses_tags_that_build_objects) {
  for (auto const* text : {"!!python/object/apply:os.system ['true']", "!!python/tuple [1]", "!mine 1", "!<x> {}",
                           "!!python/name:os.system ''", "!!set {a: null}"})
    EXPECT_THAT(yaml_problem(text), HasSubstr("unknown tag")) << text;
  for (auto const* text : {"!<?> '\\N'", "!<?> \"\\N\"", "&x !<?> '1'"})
    EXPECT_THAT(yaml_problem(text), HasSubstr("unknown tag \"?\"")) << text;
  EXPECT_EQ(read("%TAG ! tag:yaml.org,2002:\n--- !str 1\n"), value{"1"});
  EXPECT_THAT(yaml_problem("%TAG !e! tag:example.org,2000:\n--- !e!x 1\n"),
              HasSubstr("tag:example.org,2000:x\" (byte 35)"));
  EXPECT_THAT(yaml_problem("- !a%0A%FF%C3%BC 1\n"), HasSubstr("incorrect leading UTF-8 octet"));
  EXPECT_THAT(yaml_problem("- !a%0A%C3%BC 1\n"), HasSubstr("unknown tag \"!a???\" (byte 2)"));
  EXPECT_THAT(yaml_problem("!!int abc"), HasSubstr("\"abc\" is no int"));
  EXPECT_THAT(yaml_problem("!!binary '#'"), HasSubstr("!!binary without base64"));
}

TEST(yaml, refuses_a_tag_without_a_blank_behind_it) {
  for (auto const* text :
       {"!\"\\N\\_\\L\\x41\\\n  - *x\n", "- !!str\"a\"", "{a: !}", "[!!str]", "!<tag:yaml.org,2002:str>'a'"})
    EXPECT_THAT(yaml_problem(text), HasSubstr("while scanning a tag: did not find expected whitespace")) << text;
  EXPECT_EQ(read("- !<tag:yaml.org,2002:str> '1'\n- !!str\t'2'\n- !!str\r\n  '3'\n- !!str\n"),
            (value{value::list{"1", "2", "3", ""}}));
}

// libyaml compares each with all before it.
TEST(yaml, bounds_the_tag_directives) {
  std::string directives;
  for (int i = 0; i < 64; ++i) directives += "%TAG !a" + std::to_string(i) + "! tag:yaml.org,2002:\n";
  EXPECT_EQ(read(directives + "--- !a63!str 1\n"), value{"1"});
  EXPECT_THAT(yaml_problem(directives + "%TAG !b! x\n--- 1\n"), HasSubstr("more than 64 %TAG directives (byte "));
  EXPECT_THAT(yaml_problem("a\n...\n" + directives + "%TAG !b! x\n"), HasSubstr("more than 64 %TAG directives"));
}

TEST(yaml, turns_other_keys_into_json_text) {
  EXPECT_EQ(read("{1: a, null: b, true: c, 1.5: d}"),
            (value{value::map{{"1", "a"}, {"null", "b"}, {"true", "c"}, {"1.5", "d"}}}));
  EXPECT_THAT(yaml_problem("{[1]: 2}"), HasSubstr("a key must be text, got list"));
  EXPECT_THAT(yaml_problem("2020-01-02: 2"), HasSubstr("a key must be text, got date"));
  EXPECT_THAT(yaml_problem("<<: {a: 1}"), HasSubstr("merge keys"));
  EXPECT_THAT(yaml_problem("&x <<: {a: 1}"), HasSubstr("merge keys"));
  EXPECT_EQ(read("{a: 1, a: 2}"), (value{value::map{{"a", 2}}}));
}

TEST(yaml, follows_aliases) {
  EXPECT_EQ(read("[&a [1, 2], *a, {k: *a}]"),
            (value{value::list{value::list{1, 2}, value::list{1, 2}, value::map{{"k", value::list{1, 2}}}}}));
  EXPECT_THAT(yaml_problem("&a [*a]"), HasSubstr("an alias inside what it stands for"));
  EXPECT_THAT(yaml_problem("[*b]"), HasSubstr("an alias without its anchor, \"b\" (byte 1)"));
  EXPECT_THAT(yaml_problem("[&a 1, &a 2, *a]"), HasSubstr("the anchor \"a\" a second time (byte 7)"));
  EXPECT_EQ(read("[&a , *a, &b '', *b]"), (value{value::list{{}, {}, "", ""}}));
  EXPECT_EQ(read("&k key: *k"), (value{value::map{{"key", "key"}}}));
}

TEST(yaml, bounds_what_aliases_expand_to) {
  std::string laughs = "- &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 10; ++i) {
    auto const inner = "*a" + std::to_string(i - 1);
    laughs += "- &a" + std::to_string(i) + " [" + inner;
    for (int k = 0; k < 9; ++k) laughs += ", " + inner;
    laughs += "]\n";
  }
  EXPECT_THAT(yaml_problem(laughs), HasSubstr("expand to more than 64 MiB"));
}

TEST(yaml, bounds_the_nesting_also_through_aliases) {
  auto const nested = [](std::size_t n, std::string const& core) {
    return std::string(n, '[') + core + std::string(n, ']');
  };
  EXPECT_TRUE(from_yaml(nested(400, "1")));
  EXPECT_THAT(yaml_problem(nested(100'000, "1")), HasSubstr("YAML: nested deeper than 500 levels (byte 500)"));
  auto const chain = "- &a " + nested(300, "1") + "\n- &b " + nested(300, "*a") + "\n";
  EXPECT_THAT(yaml_problem(chain), HasSubstr("nested deeper"));
  value deep;
  for (int i = 0; i < 501; ++i) deep = value::list{std::move(deep)};
  EXPECT_THAT(as_yaml(deep), HasSubstr("nested deeper"));
}

TEST(yaml, refuses_bad_text_naming_the_byte) {
  EXPECT_THAT(yaml_problem("a\xff"), HasSubstr("not UTF-8 (byte 1)"));
  EXPECT_THAT(yaml_problem(std::string_view{"a\0b", 3}), HasSubstr("unprintable character (byte 1)"));
  EXPECT_THAT(yaml_problem("[1, 2"), HasSubstr("YAML: "));
  EXPECT_THAT(yaml_problem("'abc"), HasSubstr("YAML: "));
  EXPECT_THAT(yaml_problem("\"\\ud800\""), HasSubstr("YAML: "));
  EXPECT_THAT(yaml_problem("- \"a\\\n  b\n"), HasSubstr("unexpected end of stream (byte 10)"));
  EXPECT_THAT(yaml_problem("[a, , b]"), HasSubstr("did not find expected node content (byte 4)"));
  EXPECT_THAT(yaml_problem("\u00fc: [\u20ac\n"), HasSubstr("expected ',' or ']' (byte 9)"));
  EXPECT_THAT(yaml_problem("a\n--- b\n"), HasSubstr("a second document (byte 2)"));
  EXPECT_EQ(read(""), value{});
}

TEST(yaml, quotes_text_that_would_be_read_as_something_else) {
  value::list texts;
  for (auto const* s :
       {"",     " ",          "a",     "a b",  " a",   "a ",     "no",     "1",          "1.5",    "1e5",  "~",
        "null", "2020-01-02", "12:30", "<<",   "=",    "- a",    "a: b",   "a:b",        "a #b",   "it's", "\"",
        "[",    "{}",         "*a",    "&a",   "!a",   "%a",     "@a",     "`",          "?",      "-",    "--- a",
        "...",  "a\nb",       "a\\",   "\t",   "\r\n", "\u00fc", "\u20ac", "\U0001f600", "\u2028", "\x7f", "|",
        ">",    "0x1F",       "Yes",   ".inf", ".5",   "key:",   ",",      "#"})
    texts.emplace_back(s);
  texts.emplace_back(std::string{"\0x", 2});
  EXPECT_EQ(read(as_yaml(texts)), value{texts});
  value::map keys;
  for (auto const& t : texts) keys.push_back({*t.get_if<std::string>(), 1});
  keys.push_back({std::string(3000, 'k'), value::list{1, value::map{{std::string(200, '\n'), value::map{{"x", 2}}}}}});
  EXPECT_EQ(read(as_yaml(keys)), value{keys});
}

TEST(yaml, writes_and_reads_back_every_kind) {
  value const v{value::list{-1, UINT64_MAX, big_integer{"123456789012345678901234567890"}, 1.0, 1e16, 1e-5, -0.0,
                            std::numeric_limits<double>::infinity(), bytes{std::string{"\xff\0", 2}}, bytes{},
                            date{18263}, datetime{1577934245678901, 0}, datetime{1577934245000000, -19800},
                            datetime{1577934245000000, std::nullopt}, true, nullptr}};
  EXPECT_EQ(read(as_yaml(v)), v) << as_yaml(v);
  EXPECT_EQ(as_yaml(1e16), "1.0e+16\n");
}

TEST(yaml, writes_what_yaml_lacks_as_text) {
  EXPECT_EQ(as_yaml(decimal{"1.50"}), "'1.50'\n");
  EXPECT_EQ(as_yaml(time_of_day{11045000000}), "'03:04:05'\n");
  EXPECT_EQ(as_yaml(uuid{}), "00000000-0000-0000-0000-000000000000\n");
}

TEST(yaml, refuses_values_without_a_form) {
  EXPECT_THAT(as_yaml("\xff"), HasSubstr("text is not UTF-8 at its byte 0"));
  EXPECT_THAT(as_yaml(datetime{0, 61}), HasSubstr("offset with seconds"));
  EXPECT_THAT(as_yaml(big_integer{"x"}), HasSubstr("is no integer"));
  EXPECT_THAT(as_yaml(datetime{INT64_MIN, 0}), HasSubstr("years 1 to 9999"));
}

}  // namespace
}  // namespace lovage::wire
