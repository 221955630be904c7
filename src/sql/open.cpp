#include "sql/open.hpp"

#include "config/url.hpp"
#include "sql/mysql_session.hpp"
#include "sql/postgres_session.hpp"
#include "sql/sqlite_session.hpp"

namespace lovage::sql {
namespace {

struct place {
  dialect kind;
  url to;
};

struct scheme_row {
  std::string_view name;
  dialect kind;
};

constexpr scheme_row schemes[] = {
    {"postgresql", dialect::postgres}, {"postgres", dialect::postgres}, {"pgsql", dialect::postgres},
    {"postgis", dialect::postgres},    {"mysql", dialect::mysql},       {"mariadb", dialect::mysql},
    {"mysqlgis", dialect::mysql},      {"sqlite", dialect::sqlite},     {"spatialite", dialect::sqlite}};

/// Without "db+" before the scheme and "+driver" behind it.
std::string plain(std::string_view text) {
  if (text.starts_with("db+")) text.remove_prefix(3);
  auto const colon = text.find("://");
  auto const plus = text.find('+');
  if (colon == text.npos || plus == text.npos || plus > colon) return std::string{text};
  return std::string{text.substr(0, plus)} + std::string{text.substr(colon)};
}

expected<place> read_place(std::string_view text) {
  auto to = parse_url(plain(text));
  if (!to) return fail(to.error());
  for (auto const& r : schemes)
    if (r.name == to->scheme) return place{r.kind, *std::move(to)};
  return fail(
      errc::bad_config,
      "'" + to->scheme + "://' is no database; known are postgresql://, mysql://, mariadb:// and sqlite:///file");
}

}  // namespace

expected<dialect> dialect_of(std::string_view url) {
  auto const where = read_place(url);
  if (!where) return fail(where.error());
  return where->kind;
}

expected<std::unique_ptr<session>> open(std::string_view url, deadline until) {
  auto where = read_place(url);
  if (!where) return fail(where.error());
  switch (where->kind) {
    case dialect::mysql: return open_mysql(where->to, until);
    case dialect::sqlite:
      if (where->to.path.empty())
        return fail(errc::bad_config, "write sqlite:///relative/file.db or sqlite:////absolute/file.db");
      return open_sqlite(std::move(where->to.path), until);
    case dialect::postgres: break;
  }
  auto made = postgres_session::open(url, until);
  if (!made) return fail(made.error());
  return std::unique_ptr<session>{*std::move(made)};
}

}  // namespace lovage::sql
