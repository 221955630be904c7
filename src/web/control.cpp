#include "web/control.hpp"

#include "wire/task_message.hpp"

namespace lovage::web {
namespace {

std::string said_text(value const& v) {
  auto const* text = v.get_if<std::string>();
  return text ? *text : v.is_null() ? std::string{} : wire::repr(v);
}

}  // namespace

std::vector<worker_reply> tell_workers(app& on, command const& what, std::vector<std::string> const& whom) {
  control_options with;
  if (!whom.empty()) with.destination(whom).timeout(control_options::seconds{5});
  auto control = on.control(with);
  if (!what.answered) {
    control.cast(what.name, what.arguments);
    std::vector<worker_reply> out;
    for (auto const& name : whom) out.push_back({name, true, "was told"});
    return out;
  }
  std::vector<worker_reply> out;
  for (auto const& r : control.broadcast(what.name, what.arguments)) {
    if (auto const* fault = r.payload.find("error")) {
      out.push_back({r.node, false, said_text(*fault)});
    } else {
      auto const* ok = r.payload.find("ok");
      out.push_back({r.node, true, said_text(ok ? *ok : r.payload)});
    }
  }
  return out;
}

}  // namespace lovage::web
