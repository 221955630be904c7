#include "backend/sql_tables.hpp"

#include "wire/utf8.hpp"

#include <algorithm>

namespace lovage::backend {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";

std::string cleaned(std::string_view text, std::size_t most) {
  std::string out;
  for (std::size_t i = 0, n = 0; i < text.size() && n < most; ++n) {
    auto const c = wire::first_code_point(text.substr(i));
    if (c.size == 0 || c.value == 0) {
      out += replacement;
      ++i;
    } else {
      out += text.substr(i, c.size);
      i += c.size;
    }
  }
  return out;
}

}  // namespace

sql::cell clean_text(std::optional<std::string> const& text) { return clean_text(text, std::string::npos); }

sql::cell clean_text(std::optional<std::string> const& text, std::size_t most) {
  if (!text) return sql::cell{};
  return cleaned(*text, most);
}

expected<void> check_key(std::string_view id, std::size_t most, char const* column) {
  if (id.empty()) return fail(errc::encode, "the result record has no id", column);
  if (id.size() > most)
    return fail(errc::encode,
                "an id has " + std::to_string(id.size()) + " characters; the table takes " + std::to_string(most),
                column);
  if (!wire::is_utf8(id) || id.find('\0') != id.npos) return fail(errc::encode, "an id is no text", column);
  return {};
}

std::optional<value> take(value::map& extended, std::string_view key) {
  auto const at = std::find_if(extended.begin(), extended.end(), [&](auto const& m) { return m.key == key; });
  if (at == extended.end()) return std::nullopt;
  auto out = std::move(at->val);
  extended.erase(at);
  return out;
}

std::optional<std::string> take_text(value::map& extended, std::string_view key) {
  auto const at = std::find_if(extended.begin(), extended.end(), [&](auto const& m) { return m.key == key; });
  if (at == extended.end() || !at->val.is<std::string>()) return std::nullopt;
  auto out = std::move(*at->val.get_if<std::string>());
  extended.erase(at);
  return out;
}

value::map more_of(wire::result_record const& r, value::map extended, bool with_children) {
  value::map out;
  auto const* children = r.children.get_if<value::list>();
  if (with_children && children != nullptr && !children->empty()) out.push_back({"children", r.children});
  if (r.group_id) out.push_back({"group_id", *r.group_id});
  if (r.parent_id) out.push_back({"parent_id", *r.parent_id});
  if (!extended.empty()) out.push_back({"extended", std::move(extended)});
  if (!out.empty() && r.date_done) out.push_back({"date_done", *r.date_done});
  return out;
}

void apply_more(wire::result_record& to, value::map const& more) {
  auto const text = [&](char const* key, std::optional<std::string>& field) {
    auto const* v = find(more, key);
    auto const* s = v != nullptr ? v->get_if<std::string>() : nullptr;
    if (s != nullptr) field = *s;
  };
  text("group_id", to.group_id);
  text("parent_id", to.parent_id);
  text("date_done", to.date_done);
  if (auto const* children = find(more, "children")) to.children = *children;
  auto const* extended = find(more, "extended");
  if (auto const* m = extended != nullptr ? extended->get_if<value::map>() : nullptr)
    to.extended.insert(to.extended.end(), m->begin(), m->end());
}

time_point date_of_record(wire::result_record const& r, time_point now) {
  if (!r.date_done) return now;
  auto const said = wire::parse_iso(*r.date_done);
  return said ? said->to_time_point() : now;
}

}  // namespace lovage::backend
