#include "config/structured_values.hpp"

#include "config/setting_text.hpp"
#include "wire/serializer.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace lovage::settings {
namespace {

constexpr int deepest = 8;

// What a transport option may be: what JSON has.
expected<void> check_plain(value const& v, std::string const& where, int depth) {
  if (depth > deepest) return fail(errc::bad_config, "\"" + where + "\" is nested too deep");
  if (auto const* items = v.get_if<value::list>()) {
    for (auto const& item : *items)
      if (auto ok = check_plain(item, where, depth + 1); !ok) return ok;
    return {};
  }
  if (auto const* members = v.get_if<value::map>()) {
    for (auto const& [key, item] : *members)
      if (auto ok = check_plain(item, key, depth + 1); !ok) return ok;
    return {};
  }
  bool const plain = v.is_null() || v.is<bool>() || v.is<std::int64_t>() || v.is<std::uint64_t>() || v.is<double>() ||
                     v.is<std::string>();
  if (!plain) return fail(errc::bad_config, "\"" + where + "\" is a " + v.kind());
  return {};
}

// Names that come from outside, as an error shows them.
std::string shown_key(std::string_view key) { return "'" + std::string{key.substr(0, 60)} + "'"; }

setting const* find_option(std::span<setting const> known, std::string_view key) {
  auto const at = std::find_if(known.begin(), known.end(), [&](setting const& s) {
    auto const words = split(s.old, ' ');
    return s.name == key || std::find(words.begin(), words.end(), key) != words.end();
  });
  return at == known.end() ? nullptr : &*at;
}

failure unknown_option(std::string_view key, std::span<setting const> known) {
  std::vector<std::string_view> names;
  std::string all;
  for (auto const& s : known) {
    names.push_back(s.name);
    all += (all.empty() ? "" : ", ") + std::string{s.name};
  }
  auto text = "unknown option " + shown_key(key);
  auto const near = nearest_of(key, names);
  if (near.empty()) return fail(errc::bad_config, text + "; there are " + all);
  return fail(errc::bad_config, text + "; did you mean '" + std::string{near} + "'? There are " + all);
}

constexpr setting tls_options_known[] = {
    {"ca_certs", true, kind::text, "", "1..", "/etc/ssl/ca.pem", "ssl_ca_certs", ""},
    {"certfile", true, kind::text, "", "1..", "/etc/ssl/me.pem", "ssl_certfile", ""},
    {"keyfile", true, kind::text, "", "1..", "/etc/ssl/me.key", "ssl_keyfile", ""},
    {"cert_reqs", true, kind::choice, "required",
     "required|none|cert_required=required|cert_none=none|optional=required|cert_optional=required|2=required|1="
     "required|"
     "0=none",
     "required", "ssl_cert_reqs", ""},
    {"server_hostname", true, kind::text, "", "1..", "rabbit.example.org", "ssl_server_hostname", ""},
};

std::string text_of(value::map const& m, std::string_view key) {
  auto const* v = find(m, key);
  auto const* s = v ? v->get_if<std::string>() : nullptr;
  return s ? *s : std::string{};
}

}  // namespace

expected<value> from_json_text(std::string_view text) {
  auto v = wire::from_json(text, true);
  if (!v) return fail(errc::bad_config, "the text is no JSON");
  return v;
}

expected<value::map> check_members(value::map const& given, std::span<setting const> known, texts how) {
  for (auto const& [key, v] : given)
    if (find_option(known, key) == nullptr) return unknown_option(key, known);
  value::map out;
  for (auto const& option : known) {
    for (auto const& [key, v] : given) {
      if (v.is_null() || find_option(known, key) != &option) continue;
      if (find(out, option.name)) return fail(errc::bad_config, std::string{option.name} + " stands twice");
      auto checked = check(option, v, how);
      if (!checked) return fail(checked.error());
      out.push_back({std::string{option.name}, *std::move(checked)});
    }
  }
  return out;
}

expected<value> check_map(setting const& row, value const& v, texts how) {
  if (auto const* s = v.get_if<std::string>(); s && how == texts::any_type) {
    auto const text = trim(*s);
    if (text.empty() || text == "none") return value{value::map{}};
    auto parsed = from_json_text(text);
    if (!parsed || !parsed->is<value::map>()) return wrong(row, v, "the text is no JSON object");
    return check_map(row, *parsed, how);
  }
  auto const* members = v.get_if<value::map>();
  if (!members) return wrong(row, v);
  value::map out;
  for (auto const& [key, item] : *members) {
    if (auto ok = check_plain(item, key, 1); !ok) return wrong(row, v, ok.error().detail);
    if (lovage::find(out, key)) return wrong(row, v, shown_key(key) + " stands twice");
    out.push_back({key, item});
  }
  return value{std::move(out)};
}

expected<value> check_tls(setting const& row, value const& v, texts how) {
  if (auto const* s = v.get_if<std::string>(); s && how == texts::any_type) {
    auto const text = trim(*s);
    if (text.empty() || lowered(text) == "none") return value{false};
    if (text.starts_with('{')) {
      auto parsed = from_json_text(text);
      if (!parsed || !parsed->is<value::map>()) return wrong(row, v, "the text is no JSON object");
      return check_tls(row, *parsed, how);
    }
  }
  auto const* members = v.get_if<value::map>();
  if (!members) {
    setting const flag{row.name, true, kind::flag, "", "", "true", "", ""};
    auto on = check(flag, v, how);
    return on ? std::move(on) : wrong(row, v);
  }
  auto out = check_members(*members, tls_options_known, how);
  if (!out) return wrong(row, v, out.error().detail);
  if (find(*out, "keyfile") && !find(*out, "certfile")) return wrong(row, v, "keyfile needs its certfile");
  if (out->empty()) return value{true};
  return value{*std::move(out)};
}

tls tls_of(value const& canonical) {
  tls out;
  if (auto const* on = canonical.get_if<bool>()) return tls{*on};
  auto const* m = canonical.get_if<value::map>();
  if (!m) return tls{false};
  out.ca_certs(text_of(*m, "ca_certs")).certfile(text_of(*m, "certfile")).keyfile(text_of(*m, "keyfile"));
  out.server_hostname(text_of(*m, "server_hostname")).verify(text_of(*m, "cert_reqs") != "none");
  return out;
}

value value_of(tls const& with) {
  if (!with.on_) return value{false};
  value::map out;
  for (auto const& [key, text] : {std::pair{"ca_certs", &with.ca_certs_}, std::pair{"certfile", &with.certfile_},
                                  std::pair{"keyfile", &with.keyfile_}})
    if (!text->empty()) out.push_back({key, *text});
  if (!with.verify_) out.push_back({"cert_reqs", "none"});
  if (!with.server_hostname_.empty()) out.push_back({"server_hostname", with.server_hostname_});
  return out.empty() ? value{true} : value{std::move(out)};
}

}  // namespace lovage::settings
