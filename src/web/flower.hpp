// What the handlers of Flower's API share: its way of reading arguments and of saying no.
#pragma once

#include "web/control.hpp"
#include "web/site.hpp"

#include <optional>
#include <string>

namespace lovage::web::flower {

/// A member of the query or of a form; the last of several, blanks cut off.
[[nodiscard]] std::optional<std::string> argument(request const& r, std::string_view name);
/// Throws `error{invalid_argument}`, which is a 400, when it is missing.
[[nodiscard]] std::string needed(request const& r, std::string_view name);
/// Python's words: true, yes, on, 1, t, y.
[[nodiscard]] bool flag(request const& r, std::string_view name);
/// Throws for what is no number; nothing when it is missing or empty.
[[nodiscard]] std::optional<double> number(request const& r, std::string_view name);

/// A status with a sentence as plain text.
[[nodiscard]] response refuse(int status, std::string text);
/// {"message": text}
[[nodiscard]] response message(std::string text);

/// Throws `error{not_registered}`, which is a 404.
void need_worker(site& s, std::string const& name);
/// Known to a worker, to the history, or to this program.
void need_task(site& s, std::string const& name);

/// A Celery event's task, as Flower shows it.
[[nodiscard]] value task_map(monitor::task_record const& t, bool masked);
/// What a result is to Flower: an exception as its text.
void add_result(value::map& to, task_status const& status, bool masked);

}  // namespace lovage::web::flower
