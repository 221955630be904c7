#include "redis/endpoint.hpp"

#include "config/url.hpp"

#include <charconv>

namespace lovage::redis {
namespace {

constexpr std::uint16_t sentinel_port = 26379;

expected<int> database_of(std::string_view text) {
  if (text.empty()) return 0;
  int n = 0;
  auto const [end, fault] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (fault != std::errc{} || end != text.data() + text.size() || n < 0)
    return fail(errc::bad_config, "the path of a Redis URL is the database's number, such as redis://host/0; got '" +
                                      std::string{text} + "'");
  return n;
}

std::string take(url const& from, char const* key, std::string otherwise) {
  auto const at = from.query.find(key);
  return at == from.query.end() ? std::move(otherwise) : at->second;
}

expected<tls_options> tls_of(url const& from, std::optional<tls_options> const& given) {
  auto out = given.value_or(tls_options{});
  out.ca_file = take(from, "ssl_ca_certs", out.ca_file);
  out.certificate = take(from, "ssl_certfile", out.certificate);
  out.key = take(from, "ssl_keyfile", out.key);
  auto const wanted = take(from, "ssl_cert_reqs", out.verify_peer ? "required" : "none");
  if (wanted == "required" || wanted == "CERT_REQUIRED" || wanted == "optional" || wanted == "CERT_OPTIONAL") {
    out.verify_peer = true;
  } else if (wanted == "none" || wanted == "CERT_NONE") {
    out.verify_peer = false;
  } else {
    return fail(errc::bad_config, "ssl_cert_reqs is required or none, got '" + wanted + "'");
  }
  return out;
}

expected<endpoint> read_one(url const& from, std::optional<tls_options> const& tls) {
  endpoint out;
  out.user = from.user;
  out.password = from.password;
  bool const local = from.scheme == "redis+socket" || from.scheme == "socket";
  auto const number = local ? take(from, "virtual_host", take(from, "db", "")) : take(from, "db", from.path);
  auto const database = database_of(number);
  if (!database) return fail(database.error());
  out.database = *database;
  if (local) {
    out.path = from.path;
    if (out.path.empty()) return fail(errc::bad_config, "redis+socket:// needs a path: redis+socket:///run/redis.sock");
    if (out.path.front() != '/') out.path.insert(0, "/");
    return out;
  }
  if (!from.host.empty()) out.host = from.host;
  out.port = from.port.value_or(from.scheme == "sentinel" ? sentinel_port : out.port);
  if (from.scheme == "rediss" || tls) {
    auto read = tls_of(from, tls);
    if (!read) return fail(read.error());
    out.tls = *std::move(read);
  }
  return out;
}

expected<void> read_sentinel(connection_settings const& with, endpoints& out) {
  auto name = text_option(with.options, "master_name");
  if (!name) return fail(name.error());
  if (name->empty())
    return fail(errc::bad_config, "sentinel:// needs the master's name: set master_name in the transport options");
  out.master_name = *std::move(name);
  out.master = out.servers.front();
  auto const* kwargs = find(with.options, "sentinel_kwargs");
  auto const* own = kwargs ? kwargs->get_if<value::map>() : nullptr;
  auto const password = own ? text_option(*own, "password") : std::string{};
  auto const user = own ? text_option(*own, "username") : std::string{};
  if (!password) return fail(password.error());
  if (!user) return fail(user.error());
  for (auto& s : out.servers) s.password = *password, s.user = *user, s.database = 0;
  return {};
}

}  // namespace

std::string endpoint::text() const { return path.empty() ? host + ":" + std::to_string(port) : path; }

expected<std::string> text_option(value::map const& options, std::string_view name) {
  auto const* v = find(options, name);
  if (v == nullptr || v->is_null()) return std::string{};
  if (auto const* s = v->get_if<std::string>()) return *s;
  return fail(errc::bad_config, "the transport option is text, got " + std::string{v->kind()}, std::string{name});
}

expected<endpoints> read_endpoints(connection_settings const& with) {
  auto const urls = parse_urls(with.urls);
  if (!urls) return fail(urls.error());
  endpoints out;
  for (auto const& u : *urls) {
    if ((u.scheme == "sentinel") != (urls->front().scheme == "sentinel"))
      return fail(errc::bad_config, "sentinel:// and redis:// cannot stand in one list", mask_url(with.urls));
    auto one = read_one(u, with.tls);
    if (!one) return fail(one.error());
    out.servers.push_back(*std::move(one));
  }
  if (urls->front().scheme == "sentinel")
    if (auto done = read_sentinel(with, out); !done) return fail(done.error());
  return out;
}

}  // namespace lovage::redis
