#include "sql/sqlstate.hpp"

#include <array>

namespace lovage::sql {
namespace {

struct sqlstate_row {
  std::string_view begins;
  errc code;
  std::string_view fix = {};
};

// The first that fits.
constexpr std::array<sqlstate_row, 21> sqlstates{{
    {"08", errc::unavailable},
    {"57014", errc::timeout},
    {"57", errc::unavailable},
    {"53100", errc::no_space},
    {"53300", errc::unavailable, "; raise max_connections, or run fewer workers"},
    {"53", errc::unavailable},
    {"58", errc::unavailable},
    {"25006", errc::unavailable, "; this server takes no writes: name the primary in the URL"},
    {"23505", errc::conflict},
    {"40", errc::conflict},
    {"55P03", errc::conflict},
    {"28P01", errc::bad_config, "; set user and password in the URL"},
    {"28", errc::bad_config},
    {"3D000", errc::bad_config, "; make it (createdb), or name another in the URL"},
    {"42501", errc::bad_config, "; grant it to this user, or name another user in the URL"},
    {"3F", errc::bad_config},
    {"42", errc::bad_config},
    {"0A", errc::bad_config},
    {"22", errc::invalid_argument},
    {"23", errc::invalid_argument},
    {"54", errc::invalid_argument},
}};

constexpr sqlstate_row const* find_sqlstate(std::string_view state) noexcept {
  for (auto const& r : sqlstates)
    if (state.starts_with(r.begins)) return &r;
  return nullptr;
}

}  // namespace

errc code_of_sqlstate(std::string_view state) noexcept {
  auto const* const row = find_sqlstate(state);
  return row ? row->code : errc::unavailable;
}

std::string_view fix_of_sqlstate(std::string_view state) noexcept {
  auto const* const row = find_sqlstate(state);
  return row ? row->fix : std::string_view{};
}

}  // namespace lovage::sql
