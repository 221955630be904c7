// From a file's assignments to settings: sections, spellings, contradictions.
#include "config/config_access.hpp"
#include "config/toml_file.hpp"

#include <utility>

namespace lovage {
namespace {

using settings::assignment;
using settings::setting;

// One setting as a file gives it.
struct given {
  setting const* row;
  std::string spelling;  // as written, with the section: "task.serializer"
  value canonical;
  std::string place;
};

class file_reader {
 public:
  explicit file_reader(config& c) : config_{c} {}

  expected<void> top(assignment const& a) {
    auto const* row = settings::find_spelling(a.key);
    bool const is_table = a.val.is<value::map>();
    if (row) return one(*row, a.key, a);
    if (!is_table) return fail(errc::bad_config, settings::unknown_text(a.key), a.place);
    if (!settings::is_section(a.key)) return unknown_section(a);
    for (auto const& member : a.members) {
      auto const name = a.key + "_" + member.key;
      auto const* inner = settings::find(name);
      if (!inner) return fail(errc::bad_config, settings::unknown_text(name), member.place);
      if (auto ok = one(*inner, a.key + "." + member.key, member); !ok) return ok;
    }
    return {};
  }

 private:
  static expected<void> unknown_section(assignment const& a) {
    std::string text = "unknown section [" + a.key.substr(0, 80) + "]";
    if (auto const near = settings::nearest_section(a.key); !near.empty()) text += "; did you mean [" + near + "]?";
    return fail(errc::bad_config, std::move(text), a.place);
  }

  expected<void> one(setting const& row, std::string const& spelling, assignment const& a) {
    if (!row.in_effect) {
      config_access::warn(config_, settings::inert_text(row) + " (" + a.place + ")");
      return {};
    }
    auto checked = settings::check(row, a.val, settings::texts::durations_only);
    if (!checked) return fail(errc::bad_config, checked.error().detail, a.place);
    for (auto const& earlier : given_) {
      if (earlier.row != &row || earlier.canonical == *checked) continue;
      auto text = earlier.spelling + " (" + earlier.place + ") and " + spelling +
                  " are the same setting with different " + "values; keep " + std::string{row.name};
      return fail(errc::bad_config, std::move(text), a.place);
    }
    given_.push_back({&row, spelling, *checked, a.place});
    return config_access::put(config_, row, *checked, settings::texts::any_type, a.place);
  }

  config& config_;
  std::vector<given> given_;
};

}  // namespace

expected<void> config_access::apply_toml(config& c, std::string_view text, std::string const& file) {
  auto const assignments = settings::read_toml(text, file);
  if (!assignments) return fail(assignments.error());
  config copy = c;  // all or nothing
  file_reader reader{copy};
  for (auto const& a : *assignments) {
    if (auto ok = reader.top(a); !ok) return ok;
  }
  c = std::move(copy);
  return {};
}

}  // namespace lovage
