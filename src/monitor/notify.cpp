#include "monitor/notify.hpp"

#include "monitor/event_fields.hpp"
#include "wire/result_record.hpp"
#include "wire/serializer.hpp"
#include "wire/utf8.hpp"

#include <curl/curl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>

namespace lovage::monitor {
namespace {

using curl_list = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

bool starts_with_any(std::string const& s, std::initializer_list<std::string_view> beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(), [&](auto b) { return s.starts_with(b); });
}

// One line: what comes from workers cannot begin a header.
std::string header_text(std::string_view text) {
  auto out = clean_text(text, 300);
  for (auto& c : out)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  return out;
}

// For a header's encoded word: what is not a plain letter or digit as =XX. Several words where one would be too long.
std::string encoded_words(std::string_view text) {
  std::string out, word;
  auto const end_word = [&] {
    if (!word.empty()) out += (out.empty() ? "" : "\r\n ") + ("=?utf-8?Q?" + word + "?=");
    word.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    auto const size = std::max<std::size_t>(1, wire::first_code_point(text.substr(at)).size);
    std::string next;
    for (unsigned char const c : text.substr(at, size)) {
      bool const plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      next += plain ? std::string(1, static_cast<char>(c)) : c == ' ' ? "_" : fmt::format("={:02X}", c);
    }
    if (word.size() + next.size() > 60) end_word();
    word += next;
    at += size;
  }
  end_word();
  return out;
}

bool is_address(std::string const& s) {
  return s.find('@') != std::string::npos && std::none_of(s.begin(), s.end(), [](unsigned char c) {
           return c <= ' ' || c == '<' || c == '>' || c == 0x7f;
         });
}

std::size_t ignore_body(char*, std::size_t size, std::size_t n, void*) { return size * n; }

struct upload {
  std::string_view left;
};

std::size_t read_upload(char* to, std::size_t size, std::size_t n, void* from) {
  auto& left = static_cast<upload*>(from)->left;
  auto const many = std::min(left.size(), size * n);
  std::memcpy(to, left.data(), many);
  left.remove_prefix(many);
  return many;
}

class transfer {
 public:
  explicit transfer(std::string const& url, deadline until) : handle_{curl_easy_init(), &curl_easy_cleanup} {
    auto const left = until.is_never() ? std::chrono::milliseconds{30'000}
                                       : std::chrono::duration_cast<std::chrono::milliseconds>(until.left());
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(1, left.count())));
    set(CURLOPT_WRITEFUNCTION, &ignore_body);
    set(CURLOPT_ERRORBUFFER, fault_);
  }
  template <class T>
  void set(CURLoption option, T value) {
    curl_easy_setopt(handle_.get(), option, value);
  }
  expected<void> run(char const* what) {
    auto const code = curl_easy_perform(handle_.get());
    if (code == CURLE_OK) return {};
    auto const kind = code == CURLE_OPERATION_TIMEDOUT ? errc::timeout : errc::unavailable;
    return fail(kind, std::string{what} + " could not be sent: " + (fault_[0] ? fault_ : curl_easy_strerror(code)));
  }
  long status() {
    long out = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &out);
    return out;
  }

 private:
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle_;
  char fault_[CURL_ERROR_SIZE] = {};
};

void begin_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

expected<void> post(alert const& what, notify_settings const& with, deadline until) {
  transfer t{with.webhook, until};
  auto const body = webhook_body(what, with);
  curl_list const headers{curl_slist_append(nullptr, "Content-Type: application/json"), &curl_slist_free_all};
  t.set(CURLOPT_PROTOCOLS_STR, "http,https");
  t.set(CURLOPT_HTTPHEADER, headers.get());
  t.set(CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  t.set(CURLOPT_POSTFIELDS, body.data());
  if (auto sent = t.run("the webhook (alert_webhook_url)"); !sent) return sent;
  if (auto const status = t.status(); status >= 300)
    return fail(errc::unavailable, "the webhook (alert_webhook_url) answered " + std::to_string(status));
  return {};
}

expected<void> mail(alert const& what, notify_settings const& with, time_point now, deadline until) {
  transfer t{with.smtp, until};
  auto const text = mail_text(what, with, now);
  upload from{text};
  curl_slist* all = nullptr;
  for (auto const& to : with.to) all = curl_slist_append(all, ("<" + to + ">").c_str());
  curl_list const recipients{all, &curl_slist_free_all};
  auto const sender = "<" + with.from + ">";
  t.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  bool const logs_in = with.smtp.find('@') != std::string::npos;  // no password goes over a line that is not encrypted
  t.set(CURLOPT_USE_SSL, static_cast<long>(logs_in ? CURLUSESSL_ALL : CURLUSESSL_TRY));
  t.set(CURLOPT_MAIL_FROM, sender.c_str());
  t.set(CURLOPT_MAIL_RCPT, recipients.get());
  t.set(CURLOPT_UPLOAD, 1L);
  t.set(CURLOPT_READFUNCTION, &read_upload);
  t.set(CURLOPT_READDATA, &from);
  return t.run("the e-mail (alert_smtp_url)");
}

}  // namespace

expected<void> check(notify_settings const& with) {
  if (!with.webhook.empty() && !starts_with_any(with.webhook, {"http://", "https://"}))
    return fail(errc::bad_config, "alert_webhook_url begins with http:// or https://", "alert_webhook_url");
  if (with.smtp.empty()) return {};
  if (!starts_with_any(with.smtp, {"smtp://", "smtps://"}))
    return fail(errc::bad_config, "alert_smtp_url begins with smtp:// or smtps://", "alert_smtp_url");
  if (!is_address(with.from))
    return fail(errc::bad_config, "alert_mail_from is an address, such as lovage@example.org", "alert_mail_from");
  if (with.to.empty() || !std::all_of(with.to.begin(), with.to.end(), is_address))
    return fail(errc::bad_config, "alert_mail_to lists addresses, such as ops@example.org", "alert_mail_to");
  return {};
}

std::string webhook_body(alert const& what, notify_settings const& with) {
  value const body{value::map{
      {"alert", what.id},
      {"kind", to_string(what.kind)},
      {"subject", what.subject},
      {"text", what.text},
      {"state", what.resolved ? "resolved" : "fired"},
      {"since", unix_seconds(what.since)},
      {"resolved", what.resolved ? value{unix_seconds(*what.resolved)} : value{}},
      {"link", with.link},
  }};
  return wire::to_json(body).value_or("{}");
}

std::string mail_text(alert const& what, notify_settings const& with, time_point now) {
  std::string to;
  for (auto const& address : with.to) to += (to.empty() ? "" : ", ") + header_text(address);
  auto const date = fmt::gmtime(std::chrono::system_clock::to_time_t(now));
  auto const subject = header_text((what.resolved ? "over: " : "alert: ") + what.text);
  std::string body = header_text(what.text) + "\r\n\r\nSince " + wire::to_iso(what.since) + "\r\n";
  if (what.resolved) body += "Over " + wire::to_iso(*what.resolved) + "\r\n";
  if (!with.link.empty()) body += header_text(with.link) + "\r\n";
  return fmt::format(
      "Date: {:%a, %d %b %Y %H:%M:%S} +0000\r\nFrom: {}\r\nTo: {}\r\nSubject: {}\r\nMIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}",
      date, header_text(with.from), to, encoded_words("lovage: " + subject), body);
}

std::vector<way> ways_of(notify_settings const& with) {
  std::vector<way> out;
  if (!with.webhook.empty()) out.push_back(way::webhook);
  if (!with.smtp.empty()) out.push_back(way::mail);
  return out;
}

expected<void> notify(way by, alert const& what, notify_settings const& with, time_point now, deadline until) {
  begin_curl();
  return by == way::webhook ? post(what, with, until) : mail(what, with, now, until);
}

}  // namespace lovage::monitor
