#include "broker/amqp/endpoint.hpp"

#include "config/url.hpp"
#include "core/log.hpp"

#include <charconv>

namespace lovage::broker::amqp {
namespace {

expected<std::int64_t> whole(std::string const& key, std::string const& text) {
  std::int64_t n = 0;
  auto const [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (wrong != std::errc{} || end != text.data() + text.size() || n < 0 || n > 86'400'000)
    return fail(errc::bad_config, key + " in a broker URL is a whole number, not '" + text + "'", "broker_url");
  return n;
}

expected<void> read_verify(tls_options& tls, std::string const& key, std::string const& text) {
  if (text == "verify_none" || text == "CERT_NONE" || text == "none") {
    tls.verify_peer = false;
  } else if (text == "verify_peer" || text == "CERT_REQUIRED" || text == "required") {
    tls.verify_peer = true;
  } else {
    return fail(errc::bad_config, key + " in a broker URL is verify_peer or verify_none, not '" + text + "'",
                "broker_url");
  }
  return {};
}

/// True when it was an option of TLS.
expected<bool> read_tls_option(tls_options& tls, std::string const& key, std::string const& text) {
  if (key == "cacertfile" || key == "ssl_ca_certs" || key == "cafile") return tls.ca_file = text, true;
  if (key == "certfile" || key == "ssl_certfile") return tls.certificate = text, true;
  if (key == "keyfile" || key == "ssl_keyfile") return tls.key = text, true;
  if (key == "server_name_indication" || key == "server_name") return tls.server_name = text, true;
  if (key != "verify" && key != "ssl_cert_reqs") return false;
  if (auto ok = read_verify(tls, key, text); !ok) return fail(ok.error());
  return true;
}

expected<void> read_option(endpoint& to, endpoints& all, std::string const& key, std::string const& text) {
  if (key == "heartbeat" || key == "connection_timeout") {
    auto n = whole(key, text);
    if (!n) return fail(n.error());
    if (key == "heartbeat") {
      all.heartbeat = std::chrono::seconds{*n};
    } else {
      all.connect_timeout = std::chrono::milliseconds{*n};
    }
    return {};
  }
  if (key == "auth_mechanism" || key == "login_method") {
    if (text != "PLAIN" && text != "EXTERNAL" && text != "plain" && text != "external")
      return fail(errc::bad_config, key + " in a broker URL is plain or external, not '" + text + "'", "broker_url");
    to.external_login = text == "EXTERNAL" || text == "external";
    return {};
  }
  auto tls = to.tls.value_or(tls_options{});
  auto const known = read_tls_option(tls, key, text);
  if (!known) return fail(known.error());
  if (!*known) {
    log::warning("broker_url: the option '" + key + "' means nothing to RabbitMQ connections and is ignored");
  } else if (to.tls) {
    to.tls = std::move(tls);
  } else {
    return fail(errc::bad_config, key + " in a broker URL needs amqps://", "broker_url");
  }
  return {};
}

expected<endpoint> read(url const& from, connection_settings const& settings, endpoints& all) {
  endpoint to;
  if (!from.scheme.ends_with("amqp") && !from.scheme.ends_with("amqps") && from.scheme != "librabbitmq")
    return fail(errc::bad_config,
                "all broker URLs of a failover list are of one kind, and '" + from.scheme + "://' is not RabbitMQ's",
                "broker_url");
  if (from.scheme.ends_with('s')) {
    to.tls = settings.tls.value_or(tls_options{});
    to.port = 5671;
  } else if (settings.tls) {
    to.tls = settings.tls;
  }
  if (!from.host.empty()) to.host = from.host;
  if (from.port) to.port = *from.port;
  if (!from.user.empty()) to.user = from.user, to.password = from.password;
  if (!from.path.empty()) to.vhost = from.path;
  for (auto const& [key, text] : from.query)
    if (auto ok = read_option(to, all, key, text); !ok) return fail(ok.error());
  return to;
}

}  // namespace

std::string endpoint::text() const { return host + ":" + std::to_string(port) + ", vhost " + vhost; }

expected<endpoints> endpoints_of(connection_settings const& settings) {
  auto urls = parse_urls(settings.urls);
  if (!urls) return fail(urls.error());
  endpoints out;
  out.connect_timeout = settings.connect_timeout;
  out.heartbeat = settings.heartbeat;
  for (auto const& u : *urls) {
    auto to = read(u, settings, out);
    if (!to) return fail(to.error());
    out.all.push_back(*std::move(to));
  }
  return out;
}

}  // namespace lovage::broker::amqp
