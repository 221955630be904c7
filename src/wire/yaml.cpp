// Reading YAML: yaml-cpp parses, and the values are built from its events, so that depth and size are bounded while
// they grow.
#include "wire/base64.hpp"
#include "wire/limits.hpp"
#include "wire/scalar_text.hpp"
#include "wire/serializer.hpp"
#include "wire/utf8.hpp"
#include "wire/yaml_quoted.hpp"
#include "wire/yaml_scalar.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <streambuf>

namespace lovage::wire {

namespace {

constexpr std::string_view standard = "tag:yaml.org,2002:";
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

/// Thrown through yaml-cpp, which has no other way to stop; never leaves from_yaml.
struct stop {
  failure why;
};

class builder final : public YAML::EventHandler {
 public:
  explicit builder(std::string_view source) : source_{source} {}

  void OnDocumentStart(YAML::Mark const& mark) override {
    if (std::exchange(started_, true)) halt(mark, "a second document");
  }
  void OnDocumentEnd() override {}
  void OnNull(YAML::Mark const& mark, YAML::anchor_t anchor) override { add(mark, value{}, anchor, {}); }
  void OnAlias(YAML::Mark const& mark, YAML::anchor_t anchor) override;
  void OnScalar(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                std::string const& text) override;
  void OnSequenceStart(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag, "seq");
    push(mark, value{value::list{}}, anchor);
  }
  void OnSequenceEnd() override { pop(); }
  void OnMapStart(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_tag(mark, tag, "map");
    push(mark, value{value::map{}}, anchor);
  }
  void OnMapEnd() override {
    keep_last_of_equal_keys(*open_.back().content.get_if<value::map>());
    pop();
  }

  value take_root() { return std::move(root_); }

 private:
  struct frame {
    value content;
    YAML::anchor_t anchor;
    YAML::Mark mark;
    bool has_key = false;
  };

  static std::size_t offset(YAML::Mark const& mark) noexcept { return static_cast<std::size_t>(std::max(mark.pos, 0)); }
  [[noreturn]] static void halt(YAML::Mark const& mark, std::string what) {
    throw stop{fail(errc::decode, "YAML: " + std::move(what), "byte " + std::to_string(offset(mark)))};
  }
  static void check_tag(YAML::Mark const& mark, std::string const& tag, std::string_view kind) {
    if (tag == "?" || tag == "!" || tag.empty() || tag == std::string{standard}.append(kind)) return;
    halt(mark, "unknown tag \"" + tag + "\"");
  }
  static value scalar(YAML::Mark const& mark, std::string const& tag, std::string const& text);
  static std::string key_text(YAML::Mark const& mark, value const& v, std::string_view plain);
  void push(YAML::Mark const& mark, value content, YAML::anchor_t anchor);
  void pop();
  void add(YAML::Mark const& mark, value v, YAML::anchor_t anchor, std::string_view plain);

  std::string_view source_;
  std::vector<frame> open_;
  std::map<YAML::anchor_t, value> anchors_;
  std::size_t aliased_ = 0;
  value root_;
  bool started_ = false;
};

void builder::OnScalar(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor, std::string const& text) {
  auto const source = source_.substr(std::min(source_.size(), offset(mark)));
  // "?" is yaml-cpp's word for a plain scalar without a tag. But "!<?>" is a tag, and may stand behind an anchor.
  if (tag == "?" && !source.starts_with('!') && !source.starts_with('&'))
    return add(mark, scalar(mark, tag, text), anchor, text);
  auto const quoted = read_quoted(source, text);
  if (!quoted) halt(mark, quoted.error().detail);
  if (*quoted && tag == "?") halt(mark, "unknown tag \"?\"");
  add(mark, scalar(mark, tag, quoted->value_or(text)), anchor,
      tag == "?" ? std::string_view{text} : std::string_view{});
}

value builder::scalar(YAML::Mark const& mark, std::string const& tag, std::string const& text) {
  auto kind = yaml_kind::text;
  auto const resolved = resolve_plain(text);
  if (tag == "?") {
    kind = resolved;
  } else if (tag.starts_with(standard)) {
    auto const name = std::string_view{tag}.substr(standard.size());
    if (name == "binary") {
      auto data = from_base64(text);
      if (!data) halt(mark, "!!binary without base64");
      return bytes{std::move(*data)};
    }
    kind = name == "str"         ? yaml_kind::text
           : name == "null"      ? yaml_kind::null
           : name == "bool"      ? yaml_kind::boolean
           : name == "int"       ? yaml_kind::integer
           : name == "float"     ? yaml_kind::real
           : name == "timestamp" ? yaml_kind::timestamp
                                 : yaml_kind::special;
    if (kind == yaml_kind::special) halt(mark, "unknown tag \"" + tag + "\"");
    bool const widens = kind == yaml_kind::real && resolved == yaml_kind::integer && is_integer_text(text);
    if (kind != yaml_kind::text && kind != yaml_kind::null && kind != resolved && !widens)
      halt(mark, "\"" + text.substr(0, 40) + "\" is no " + std::string{name});
  } else if (tag != "!" && !tag.empty()) {
    halt(mark, "unknown tag \"" + tag + "\"");
  }
  if (kind == yaml_kind::merge) kind = yaml_kind::text;  // as a key it is refused in key_text
  auto v = yaml_value(kind, text);
  if (!v) halt(mark, v.error().detail);
  return std::move(*v);
}

/// Python's dicts may have other keys; they become the text that JSON would give them.
std::string builder::key_text(YAML::Mark const& mark, value const& v, std::string_view plain) {
  if (resolve_plain(plain) == yaml_kind::merge) halt(mark, yaml_value(yaml_kind::merge, plain).error().detail);
  if (auto const* s = v.get_if<std::string>()) return *s;
  if (v.is_null() || v.is<bool>() || v.is<std::int64_t>() || v.is<std::uint64_t>() || v.is<double>() ||
      v.is<big_integer>())
    return *to_json(v);
  halt(mark, std::string{"a key must be text, got "} + v.kind());
}

void builder::push(YAML::Mark const& mark, value content, YAML::anchor_t anchor) {
  if (open_.size() >= static_cast<std::size_t>(max_nesting)) halt(mark, nested_too_deep());
  if (!open_.empty() && open_.back().content.is<value::map>() && !open_.back().has_key)
    halt(mark, std::string{"a key must be text, got "} + content.kind());
  open_.push_back({std::move(content), anchor, mark});
}

void builder::pop() {
  auto done = std::move(open_.back());
  open_.pop_back();
  add(done.mark, std::move(done.content), done.anchor, {});
}

void builder::add(YAML::Mark const& mark, value v, YAML::anchor_t anchor, std::string_view plain) {
  if (anchor != YAML::NullAnchor) {
    // The copy counts as if it were an alias, or anchors inside anchors would cost their depth times their size.
    aliased_ += weigh(v).bytes;
    if (aliased_ > alias_budget) halt(mark, "anchors and aliases expand to more than 64 MiB");
    anchors_[anchor] = v;
  }
  if (open_.empty()) return void(root_ = std::move(v));
  auto& parent = open_.back();
  if (auto* list = parent.content.get_if<value::list>()) return list->push_back(std::move(v));
  auto& map = *parent.content.get_if<value::map>();
  if (parent.has_key) {
    map.back().val = std::move(v);
  } else {
    map.push_back({key_text(mark, v, plain), {}});
  }
  parent.has_key = !parent.has_key;
}

void builder::OnAlias(YAML::Mark const& mark, YAML::anchor_t anchor) {
  auto const found = anchors_.find(anchor);
  if (found == anchors_.end()) halt(mark, "an alias inside what it stands for");
  auto const w = weigh(found->second);
  aliased_ += w.bytes;
  if (aliased_ > alias_budget) halt(mark, "anchors and aliases expand to more than 64 MiB");
  if (open_.size() + static_cast<std::size_t>(w.depth) > static_cast<std::size_t>(max_nesting))
    halt(mark, nested_too_deep());
  add(mark, found->second, YAML::NullAnchor, {});
}

/// Lets a stream read from memory without a copy.
class memory_buffer final : public std::streambuf {
 public:
  explicit memory_buffer(std::string_view s) {
    auto* p = const_cast<char*>(s.data());
    setg(p, p, p + s.size());
  }
};

expected<void> check_characters(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    auto const c = first_code_point(text.substr(i));
    if (c.size == 0) return fail(errc::decode, "YAML: text that is not UTF-8", "byte " + std::to_string(i));
    bool const mark = i == 0 && c.value == 0xfeff;
    if (!yaml_allows(c.value) && !mark)
      return fail(errc::decode, "YAML: an unprintable character", "byte " + std::to_string(i));
    i += c.size;
  }
  return {};
}

}  // namespace

expected<value> from_yaml(std::string_view text) {
  if (auto const checked = check_characters(text); !checked) return fail(checked.error());
  memory_buffer buffer{text};
  std::istream in{&buffer};
  // yaml-cpp takes one byte order mark off by itself, and counts from behind it; a second one is text.
  builder events{text.starts_with("\xef\xbb\xbf") ? text.substr(3) : text};
  try {
    YAML::Parser parser{in};
    while (parser.HandleNextDocument(events)) {
    }
    return events.take_root();
  } catch (stop const& s) {
    return s.why;
  } catch (YAML::Exception const& e) {
    return fail(errc::decode, "YAML: " + e.msg, "byte " + std::to_string(std::max(e.mark.pos, 0)));
  }
}

}  // namespace lovage::wire
