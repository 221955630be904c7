#include "web/http_client.hpp"

#include <curl/curl.h>

#include <memory>
#include <mutex>

namespace lovage::web {
namespace {

constexpr std::size_t longest_body = 1 << 20;

struct curl_end {
  void operator()(CURL* c) const noexcept { curl_easy_cleanup(c); }
};

std::size_t keep_body(char* data, std::size_t size, std::size_t n, void* to) {
  auto& out = *static_cast<std::string*>(to);
  if (out.size() + size * n > longest_body) return 0;
  out.append(data, size * n);
  return size * n;
}

bool is_plain_loopback(std::string const& url) {
  for (std::string_view const host : {"http://127.0.0.1", "http://localhost", "http://[::1]"})
    if (url.starts_with(host) && (url.size() == host.size() || url[host.size()] == ':' || url[host.size()] == '/'))
      return true;
  return false;
}

void set_options(CURL* c, http_call const& call, std::string& body) {
  curl_easy_setopt(c, CURLOPT_URL, call.url.c_str());
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, is_plain_loopback(call.url) ? "http" : "https");
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, 10'000L);
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep_body);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &body);
  if (!call.form.empty()) {
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, static_cast<long>(call.form.size()));
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, call.form.c_str());
  }
  if (!call.user.empty()) {
    curl_easy_setopt(c, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(c, CURLOPT_USERNAME, call.user.c_str());
    curl_easy_setopt(c, CURLOPT_PASSWORD, call.password.c_str());
  }
}

}  // namespace

expected<std::string> fetch(http_call const& call) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  if (!call.url.starts_with("https://") && !is_plain_loopback(call.url))
    return fail(errc::invalid_argument, "an address of another machine must begin with https://", call.url);
  std::unique_ptr<CURL, curl_end> const c{curl_easy_init()};
  if (!c) return fail(errc::internal, "libcurl gives no handle");
  std::string body;
  set_options(c.get(), call, body);
  if (auto const failed = curl_easy_perform(c.get()); failed != CURLE_OK)
    return fail(errc::unavailable, curl_easy_strerror(failed), call.url);
  long status = 0;
  curl_easy_getinfo(c.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status < 200 || status > 299)
    return fail(errc::unavailable, "the answer was " + std::to_string(status), call.url);
  return body;
}

}  // namespace lovage::web
