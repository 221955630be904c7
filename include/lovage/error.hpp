// What can go wrong, as a code to act on and a text to read.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace lovage {

/// The codes a program can act on. Texts may change between releases; these do not.
enum class errc {
  ok = 0,
  invalid_argument,  ///< the caller passed something that cannot be right
  bad_config,        ///< a setting is unknown, ill-typed or contradicts another
  not_registered,    ///< nobody knows a task of this name
  decode,            ///< bytes from outside do not mean what they claim
  encode,            ///< a value cannot be written in the chosen format
  not_accepted,      ///< a content type outside `accept_content`
  timeout,           ///< the deadline passed
  unavailable,       ///< broker or backend cannot be reached, is locked, or refuses
  no_space,          ///< the store's disk (or size limit) is full
  not_supported,     ///< this driver or pool cannot do it
  plugin,            ///< a plug-in cannot be loaded
  task_failed,       ///< the task ran and failed (see `task_failed`)
  revoked,           ///< the task was revoked or expired
  closed,            ///< the object was stopped or closed
  conflict,          ///< what was to be made is there already, or somebody else changed it meanwhile
  internal,          ///< a fault in lovage itself
};

/// Short stable name of a code, such as "timeout".
char const* to_string(errc code) noexcept;

/// An error as a value. `detail` is a sentence that names the fix; `where` names the file, key, byte or URL.
struct error_info {
  errc code = errc::ok;
  std::string detail;
  std::string where;

  /// "detail (where)", or the code's name when nothing else is known.
  [[nodiscard]] std::string text() const {
    std::string out = detail.empty() ? std::string{to_string(code)} : detail;
    if (!where.empty()) out += " (" + where + ")";
    return out;
  }
};

/// The one exception family of the library. Thrown by `delay`, `send`, `get` and constructors of the public API.
class error : public std::exception {
 public:
  explicit error(error_info info) : info_{std::move(info)}, text_{info_.text()} {}
  error(errc code, std::string detail, std::string where = {})
      : error{error_info{code, std::move(detail), std::move(where)}} {}

  [[nodiscard]] errc code() const noexcept { return info_.code; }
  [[nodiscard]] error_info const& info() const noexcept { return info_; }
  [[nodiscard]] char const* what() const noexcept override { return text_.c_str(); }

 private:
  error_info info_;
  std::string text_;
};

/// The task itself failed: carries what the worker stored about it.
class task_failed : public error {
 public:
  task_failed(std::string type, std::string message, std::string module, std::string traceback, std::string step = {})
      : error{errc::task_failed, type + ": " + message, std::move(step)},
        type_{std::move(type)},
        message_{std::move(message)},
        module_{std::move(module)},
        traceback_{std::move(traceback)} {}

  /// Class name of the exception, such as "ValueError" or "std::runtime_error".
  [[nodiscard]] std::string const& type() const noexcept { return type_; }
  /// The exception's own text.
  [[nodiscard]] std::string const& message() const noexcept { return message_; }
  /// Python module (or C++ namespace) of the class; may be empty.
  [[nodiscard]] std::string const& module() const noexcept { return module_; }
  /// Text of the traceback; empty when the worker stored none.
  [[nodiscard]] std::string const& traceback() const noexcept { return traceback_; }
  /// Which step of a workflow failed: "step 2 of 3, <id>"; empty for a single task.
  [[nodiscard]] std::string const& step() const noexcept { return info().where; }

 private:
  std::string type_, message_, module_, traceback_;
};

inline char const* to_string(errc code) noexcept {
  switch (code) {
    case errc::ok: return "ok";
    case errc::invalid_argument: return "invalid argument";
    case errc::bad_config: return "bad configuration";
    case errc::not_registered: return "not registered";
    case errc::decode: return "cannot decode";
    case errc::encode: return "cannot encode";
    case errc::not_accepted: return "content not accepted";
    case errc::timeout: return "timeout";
    case errc::unavailable: return "unavailable";
    case errc::no_space: return "no space";
    case errc::not_supported: return "not supported";
    case errc::plugin: return "plug-in";
    case errc::task_failed: return "task failed";
    case errc::revoked: return "revoked";
    case errc::closed: return "closed";
    case errc::conflict: return "conflict";
    case errc::internal: return "internal";
  }
  return "unknown";
}

}  // namespace lovage
