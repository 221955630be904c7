// Reading YAML: libyaml parses, and the values are built from its events, so that depth and size are bounded while
// they grow. PyYAML's safe loader is the reference.
#include "wire/base64.hpp"
#include "wire/limits.hpp"
#include "wire/scalar_text.hpp"
#include "wire/serializer.hpp"
#include "wire/utf8.hpp"
#include "wire/yaml_scalar.hpp"

#include <yaml.h>

#include <algorithm>
#include <map>
#include <new>
#include <optional>

namespace lovage::wire {

namespace {

constexpr std::string_view standard = "tag:yaml.org,2002:";
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
constexpr std::size_t alias_budget = std::size_t{64} << 20;  // bytes that all aliases together may add

struct weight {
  std::size_t bytes = 0;
  int depth = 0;
};

weight weigh(value const& v) {
  weight w{sizeof(value), 0};
  auto const add = [&](value const& inner) {
    auto const x = weigh(inner);
    w.bytes += x.bytes;
    w.depth = std::max(w.depth, x.depth + 1);
  };
  if (auto const* s = v.get_if<std::string>()) w.bytes += s->size();
  if (auto const* b = v.get_if<bytes>()) w.bytes += b->data.size();
  if (auto const* b = v.get_if<big_integer>()) w.bytes += b->text.size();
  if (auto const* l = v.get_if<value::list>()) {
    w.depth = 1;
    for (auto const& item : *l) add(item);
  }
  if (auto const* m = v.get_if<value::map>()) {
    w.depth = 1;
    for (auto const& member : *m) {
      w.bytes += sizeof(std::string) + member.key.size();
      add(member.val);
    }
  }
  return w;
}

std::string text_of(yaml_char_t const* s) { return s != nullptr ? reinterpret_cast<char const*>(s) : ""; }

/// Builds a value from the events of one document. `take` and whatever it calls return false at a fault, which
/// `problem` then tells.
class builder {
 public:
  bool take(yaml_event_t const& e);
  value take_root() { return std::move(root_); }
  std::string const& problem() const noexcept { return problem_; }

 private:
  struct frame {
    value content;
    std::string anchor;
    bool has_key = false;
  };

  bool halt(std::string what) { return problem_ = std::move(what), false; }
  bool unknown_tag(std::string_view tag);
  bool take_scalar(yaml_event_t const& e);
  bool take_alias(std::string const& anchor);
  bool tagged(std::string_view tag, std::string_view text, value& out);
  bool scalar(yaml_kind kind, std::string_view text, value& out);
  bool open(std::string_view tag, std::string_view kind, std::string anchor, value content);
  bool close();
  bool start_anchor(std::string const& anchor);
  bool spend(std::size_t bytes);
  bool add(value v, std::string const& anchor, bool merges = false);
  bool add_key(value::map& map, value const& v, bool merges);

  std::vector<frame> open_;
  std::map<std::string, std::optional<value>> anchors_;  // without a value while the node is being read
  std::size_t aliased_ = 0;
  value root_;
  bool started_ = false;
  std::string problem_;
};

bool builder::take(yaml_event_t const& e) {
  switch (e.type) {
    case YAML_DOCUMENT_START_EVENT: return !std::exchange(started_, true) || halt("a second document");
    case YAML_ALIAS_EVENT: return take_alias(text_of(e.data.alias.anchor));
    case YAML_SCALAR_EVENT: return take_scalar(e);
    case YAML_SEQUENCE_START_EVENT: {
      auto const& s = e.data.sequence_start;
      return open(text_of(s.tag), "seq", text_of(s.anchor), value{value::list{}});
    }
    case YAML_MAPPING_START_EVENT: {
      auto const& m = e.data.mapping_start;
      return open(text_of(m.tag), "map", text_of(m.anchor), value{value::map{}});
    }
    case YAML_SEQUENCE_END_EVENT: return close();
    case YAML_MAPPING_END_EVENT: keep_last_of_equal_keys(*open_.back().content.get_if<value::map>()); return close();
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT: break;
  }
  return true;
}

bool builder::unknown_tag(std::string_view tag) {
  std::string shown{tag.substr(0, 100)};  // "%0A" of the source is a line break here
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return halt("unknown tag \"" + shown + "\"");
}

bool builder::take_scalar(yaml_event_t const& e) {
  auto const& s = e.data.scalar;
  std::string_view const text{reinterpret_cast<char const*>(s.value), s.length};
  auto const tag = text_of(s.tag);
  auto const anchor = text_of(s.anchor);
  // PyYAML resolves what has the tag "!" as if it were plain, quoted or not.
  auto const kind = s.plain_implicit != 0 || tag == "!" ? resolve_plain(text) : yaml_kind::text;
  if (!start_anchor(anchor)) return false;
  value v;
  if (!(tag.empty() || tag == "!" ? scalar(kind, text, v) : tagged(tag, text, v))) return false;
  return add(std::move(v), anchor, kind == yaml_kind::merge);
}

bool builder::tagged(std::string_view tag, std::string_view text, value& out) {
  if (!tag.starts_with(standard)) return unknown_tag(tag);
  auto const name = tag.substr(standard.size());
  if (name == "binary") {
    auto data = from_base64(text);
    if (!data) return halt("!!binary without base64");
    out = bytes{std::move(*data)};
    return true;
  }
  auto const kind = name == "str"         ? yaml_kind::text
                    : name == "null"      ? yaml_kind::null
                    : name == "bool"      ? yaml_kind::boolean
                    : name == "int"       ? yaml_kind::integer
                    : name == "float"     ? yaml_kind::real
                    : name == "timestamp" ? yaml_kind::timestamp
                                          : yaml_kind::special;
  if (kind == yaml_kind::special) return unknown_tag(tag);
  auto const resolved = resolve_plain(text);
  bool const widens = kind == yaml_kind::real && resolved == yaml_kind::integer && is_integer_text(text);
  if (kind != yaml_kind::text && kind != yaml_kind::null && kind != resolved && !widens)
    return halt("\"" + std::string{text.substr(0, 40)} + "\" is no " + std::string{name});
  return scalar(kind, text, out);
}

bool builder::scalar(yaml_kind kind, std::string_view text, value& out) {
  if (kind == yaml_kind::merge) kind = yaml_kind::text;  // as a key it is refused in add_key
  auto v = yaml_value(kind, text);
  if (!v) return halt(v.error().detail);
  out = std::move(*v);
  return true;
}

bool builder::open(std::string_view tag, std::string_view kind, std::string anchor, value content) {
  if (!tag.empty() && tag != "!" && tag != std::string{standard}.append(kind)) return unknown_tag(tag);
  if (open_.size() >= static_cast<std::size_t>(max_nesting)) return halt(nested_too_deep());
  if (!open_.empty() && open_.back().content.is<value::map>() && !open_.back().has_key)
    return halt(std::string{"a key must be text, got "} + content.kind());
  if (!start_anchor(anchor)) return false;
  open_.push_back({std::move(content), std::move(anchor)});
  return true;
}

bool builder::close() {
  auto done = std::move(open_.back());
  open_.pop_back();
  return add(std::move(done.content), done.anchor);
}

bool builder::start_anchor(std::string const& anchor) {
  if (anchor.empty() || anchors_.try_emplace(anchor).second) return true;
  return halt("the anchor \"" + anchor.substr(0, 100) + "\" a second time");
}

bool builder::spend(std::size_t bytes) {
  aliased_ += bytes;
  return aliased_ <= alias_budget || halt("anchors and aliases expand to more than 64 MiB");
}

bool builder::add(value v, std::string const& anchor, bool merges) {
  if (!anchor.empty()) {
    // The copy counts as if it were an alias, or anchors inside anchors would cost their depth times their size.
    if (!spend(weigh(v).bytes)) return false;
    anchors_[anchor] = v;
  }
  if (open_.empty()) return root_ = std::move(v), true;
  auto& parent = open_.back();
  if (auto* list = parent.content.get_if<value::list>()) return list->push_back(std::move(v)), true;
  auto& map = *parent.content.get_if<value::map>();
  parent.has_key = !parent.has_key;
  if (parent.has_key) return add_key(map, v, merges);
  map.back().val = std::move(v);
  return true;
}

/// Python's dicts may have other keys; they become the text that JSON would give them.
bool builder::add_key(value::map& map, value const& v, bool merges) {
  if (merges) return halt(yaml_value(yaml_kind::merge, {}).error().detail);
  auto const* text = v.get_if<std::string>();
  bool const has_text = v.is_null() || v.is<bool>() || v.is<std::int64_t>() || v.is<std::uint64_t>() ||
                        v.is<double>() || v.is<big_integer>();
  if (text == nullptr && !has_text) return halt(std::string{"a key must be text, got "} + v.kind());
  map.push_back({text != nullptr ? *text : *to_json(v), {}});
  return true;
}

bool builder::take_alias(std::string const& anchor) {
  auto const found = anchors_.find(anchor);
  if (found == anchors_.end()) return halt("an alias without its anchor, \"" + anchor.substr(0, 100) + "\"");
  if (!found->second) return halt("an alias inside what it stands for");
  auto const w = weigh(*found->second);
  if (!spend(w.bytes)) return false;
  if (open_.size() + static_cast<std::size_t>(w.depth) > static_cast<std::size_t>(max_nesting))
    return halt(nested_too_deep());
  return add(*found->second, {});
}

struct event {
  yaml_event_t raw{};

  event() = default;
  event(event const&) = delete;
  event& operator=(event const&) = delete;
  ~event() { yaml_event_delete(&raw); }
};

/// libyaml's parser over a text that outlives it.
class parser {
 public:
  explicit parser(std::string_view text) : text_{text} {
    if (yaml_parser_initialize(&parser_) == 0) throw std::bad_alloc{};
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    yaml_parser_set_input_string(&parser_, reinterpret_cast<unsigned char const*>(text.data()), text.size());
  }
  parser(parser const&) = delete;
  parser& operator=(parser const&) = delete;
  ~parser() { yaml_parser_delete(&parser_); }

  expected<value> document() {
    builder to;
    for (;;) {
      event e;
      if (yaml_parser_parse(&parser_, &e.raw) == 0) return problem();
      if (e.raw.type == YAML_STREAM_END_EVENT) return to.take_root();
      if (!to.take(e.raw)) return fault(to.problem(), e.raw.start_mark);
    }
  }

 private:
  failure problem() const {
    if (parser_.error == YAML_MEMORY_ERROR) throw std::bad_alloc{};
    std::string what = parser_.context != nullptr ? std::string{parser_.context} + ": " : std::string{};
    what += parser_.problem != nullptr ? parser_.problem : "no YAML";
    return fault(what, parser_.problem_mark);
  }
  /// libyaml counts characters, and from behind the byte order mark.
  failure fault(std::string const& what, yaml_mark_t const& mark) const {
    auto left = mark.index;
    std::size_t at = text_.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
    for (; at < text_.size(); ++at)
      if ((static_cast<unsigned char>(text_[at]) & 0xc0) != 0x80 && left-- == 0) break;
    return fail(errc::decode, "YAML: " + what, "byte " + std::to_string(at));
  }

  std::string_view text_;
  yaml_parser_t parser_{};
};

constexpr int most_tag_directives = 64;  // libyaml compares each with all before it

constexpr bool is_break(std::uint32_t c) noexcept {
  return c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029;
}

/// UTF-8 that PyYAML's reader lets pass. libyaml drops a byte order mark at the start of any line; only the first of
/// the text is none of its characters.
expected<void> check_characters(std::string_view text) {
  bool line_starts = true;
  int tag_directives = 0;
  for (std::size_t i = text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0; i < text.size();) {
    auto const c = first_code_point(text.substr(i));
    if (c.size == 0) return fail(errc::decode, "YAML: text that is not UTF-8", "byte " + std::to_string(i));
    if (!yaml_allows(c.value)) return fail(errc::decode, "YAML: an unprintable character", "byte " + std::to_string(i));
    if (line_starts && c.value == 0xfeff)
      return fail(errc::decode, "YAML: a byte order mark at the start of a line", "byte " + std::to_string(i));
    if (line_starts && text.substr(i).starts_with("%TAG") && ++tag_directives > most_tag_directives)
      return fail(errc::decode, "YAML: more than 64 %TAG directives", "byte " + std::to_string(i));
    line_starts = is_break(c.value);
    i += c.size;
  }
  return {};
}

}  // namespace

expected<value> from_yaml(std::string_view text) {
  if (auto const checked = check_characters(text); !checked) return fail(checked.error());
  return parser{text}.document();
}

}  // namespace lovage::wire
