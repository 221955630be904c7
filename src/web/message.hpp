// A request and its answer, as handlers see them: no sockets.
#pragma once

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lovage::web {

class event_queue;

/// Names with values, in order; a name may come twice.
class fields {
 public:
  using item = std::pair<std::string, std::string>;

  void add(std::string name, std::string text) { items_.emplace_back(std::move(name), std::move(text)); }
  /// The first of this name; nullptr when there is none.
  [[nodiscard]] std::string const* find(std::string_view name) const noexcept {
    for (auto const& [key, text] : items_)
      if (key == name) return &text;
    return nullptr;
  }
  /// The same; empty when there is none.
  [[nodiscard]] std::string_view get(std::string_view name) const noexcept {
    auto const* text = find(name);
    return text ? std::string_view{*text} : std::string_view{};
  }
  [[nodiscard]] std::vector<item> const& items() const noexcept { return items_; }

 private:
  std::vector<item> items_;
};

enum class role { none, viewer, operate };

/// Who asks, and how that is known.
struct identity {
  std::string user;  ///< empty where no login is needed
  web::role role = web::role::none;
  /// By something that a browser adds by itself, or by nothing at all: a write must then show that a page of ours made
  /// it.
  bool ambient = true;
  std::string session;  ///< of a cookie; its CSRF token hangs on it
};

struct request {
  std::string method;  ///< "GET"
  std::string path;    ///< percent-decoded, without the query
  std::string raw_path;
  fields query;       ///< decoded
  fields headers;     ///< names in lower case
  fields parameters;  ///< of the route's pattern: {id}
  std::string body;
  std::string peer;  ///< address, without the port
  identity who;      ///< filled in before a handler is called

  [[nodiscard]] bool reads() const noexcept { return method == "GET" || method == "HEAD"; }
};

struct response {
  int status = 200;
  fields headers;
  std::string type = "application/json";  ///< Content-Type
  std::string body;
  /// The body where it is shared and never changes; `body` is then not looked at.
  std::shared_ptr<std::string const> shared = {};
  /// Where set, the connection stays open and gets what comes into this queue.
  std::shared_ptr<event_queue> stream = {};
};

[[nodiscard]] response json_response(value const& v, int status = 200);
[[nodiscard]] response text_response(std::string text, int status = 200);
/// 302
[[nodiscard]] response redirect_to(std::string where);
/// {"error": {"code", "text", "where"}}
[[nodiscard]] response error_response(int status, std::string code, std::string text, std::string where = {});
/// With the status that fits the code.
[[nodiscard]] response error_response(error_info const& e);
[[nodiscard]] int status_of(errc code) noexcept;

/// "a%20b+c" is "a b+c"; with `form` the plus is a space. Broken escapes stay as they are.
[[nodiscard]] std::string percent_decoded(std::string_view text, bool form = false);
/// Everything but letters, digits and "-._~" escaped.
[[nodiscard]] std::string percent_encoded(std::string_view text);
/// "a=1&b=2", of a query or a form.
[[nodiscard]] fields decode_form(std::string_view text);
/// The value of this cookie in a Cookie header; empty when it is not there.
[[nodiscard]] std::string cookie_of(request const& r, std::string_view name);
/// The body as a map. Errors: `decode`; an empty body is an empty map.
[[nodiscard]] expected<value::map> json_body(request const& r);

}  // namespace lovage::web
