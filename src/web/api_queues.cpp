// /api/v1/queues: depths, pausing, purging.
#include "web/site.hpp"
#include "web/views.hpp"

namespace lovage::web {
namespace {

response act_on_queue(site& s, request const& r) {
  queue_name const queue{std::string{r.parameters.get("name")}};
  auto const action = r.parameters.get("action");
  auto const look = s.inspector();
  value done{true};
  if (action == "pause") {
    look->pause(queue).value();
  } else if (action == "resume") {
    look->resume(queue).value();
  } else if (action == "purge") {
    done = value{look->purge(queue).value()};
  } else {
    return error_response(404, "not_found", "queues know pause, resume and purge", std::string{action});
  }
  s.eyes.look_again();
  return json_response(value::map{{"done", std::move(done)}});
}

}  // namespace

void add_queue_routes(router& to, site& s) {
  to.add({.method = "GET",
          .pattern = "/api/v1/queues",
          .serve =
              [&s](request const&) {
                return json_response(value::map{{"queues", list_value(s.eyes.latest()->queues, queue_value)}});
              },
          .summary = "All queues: depth, rates, age of the oldest message, who takes from them",
          .waits = false});
  to.add({.method = "POST",
          .pattern = "/api/v1/queues/{name}/{action}",
          .access = access::operate,
          .serve = [&s](request const& r) { return act_on_queue(s, r); },
          .summary = "pause: no worker takes from it; resume; purge: removes what waits, and tells how many",
          .audited = true});
}

}  // namespace lovage::web
