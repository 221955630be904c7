// Signatures made of signatures, as data: what canvas.hpp gives types to (wire-format 3.2, 3.3).
#pragma once

#include <lovage/signature_value.hpp>

#include <iterator>
#include <string_view>
#include <utility>

namespace lovage::detail {

[[nodiscard]] inline value make_container(char const* task, char const* type, value::map kwargs) {
  return make_signature(task, {}, std::move(kwargs), {}, type, false);
}
[[nodiscard]] inline value make_chain(value::list steps) {
  return make_container("celery.chain", "chain", value::map{{"tasks", std::move(steps)}});
}
[[nodiscard]] inline value make_group(value::list members) {
  return make_container("celery.group", "group", value::map{{"tasks", std::move(members)}});
}
/// The header as a list, as Python has it before freezing.
[[nodiscard]] inline value make_chord(value::list header, value body) {
  value::map kwargs{{"kwargs", value::map{}}, {"header", std::move(header)}, {"body", std::move(body)}};
  return make_container("celery.chord", "chord", std::move(kwargs));
}
/// "celery.map" or "celery.starmap", or "celery.chunks" with a size of the parts, which the others have not.
[[nodiscard]] inline value make_map(char const* task, value of, value::list items, std::size_t size = 0) {
  value::map kwargs{{"task", std::move(of)}, {"it", std::move(items)}};
  if (size > 0) kwargs.push_back({"n", size});
  return make_signature(task, {}, std::move(kwargs), {}, {}, true);
}

[[nodiscard]] inline bool is_container(value const& signature, std::string_view type) {
  auto const* t = signature.find("subtask_type");
  auto const* text = t ? t->get_if<std::string>() : nullptr;
  return text && *text == type;
}

/// Whether this is a signature all through, so that it can be composed. *On failure*: throws `error{invalid_argument}`.
inline void check_signature(value const& v) {
  auto const refuse = [](char const* what) {
    throw error{errc::invalid_argument, std::string{"no signature: "} + what};
  };
  auto const is_map = [&](char const* key) { return v.find(key) && v.find(key)->is<value::map>(); };
  auto const all = [&](value const* list, char const* what) {
    if (!list || !list->is<value::list>()) refuse(what);
    for (auto const& item : *list->get_if<value::list>()) check_signature(item);
  };
  if (!v.find("task") || !v.find("task")->is<std::string>()) refuse("it has no task");
  if (!v.find("args") || !v.find("args")->is<value::list>()) refuse("its args are no list");
  if (!is_map("kwargs") || !is_map("options")) refuse("kwargs and options are maps, even when they are empty");
  auto const& kwargs = *v.find("kwargs");
  if (is_container(v, "chain") || is_container(v, "group")) all(kwargs.find("tasks"), "kwargs.tasks is no list");
  if (is_container(v, "chain") && kwargs.find("tasks")->get_if<value::list>()->empty()) refuse("a chain has no steps");
  if (!is_container(v, "chord")) return;
  if (!kwargs.find("body") || !kwargs.find("header")) refuse("a chord has kwargs.header and kwargs.body");
  check_signature(*kwargs.find("body"));
  auto const& header = *kwargs.find("header");
  header.is<value::map>() ? check_signature(header) : all(&header, "kwargs.header is no list");
}

/// The list of a chain's steps or a group's members.
[[nodiscard]] inline value::list& tasks_of(value& container) {
  return *container.find("kwargs")->find("tasks")->get_if<value::list>();
}

/// A step that misses nothing is not given what comes before it: neither is what is first inside it.
inline void take_nothing(value& signature) {
  if (is_container(signature, "chain")) return take_nothing(tasks_of(signature).front());
  if (is_container(signature, "group")) {
    for (auto& member : tasks_of(signature)) take_nothing(member);
  } else if (is_container(signature, "chord")) {
    auto* header = signature.find("kwargs")->find("header");
    if (!header->is<value::list>()) return take_nothing(*header);
    for (auto& member : *header->get_if<value::list>()) take_nothing(member);
  } else {
    set_member(*signature.get_if<value::map>(), "immutable", true);
  }
}

/// A chain or group whose own options and arguments would be lost by taking it apart stays whole.
[[nodiscard]] inline bool is_plain(value const& container) {
  auto const* options = container.find("options")->get_if<value::map>();
  auto const* args = container.find("args")->get_if<value::list>();
  return options && options->empty() && args && args->empty();
}

[[nodiscard]] value compose(value left, value right);

/// `left` then `right`, where the last step of `left` takes `right` in, such as the body of a chord.
[[nodiscard]] inline bool absorb(value& last, value& right) {
  if (is_container(last, "group") && is_plain(last)) {
    last = make_chord(std::move(tasks_of(last)), std::move(right));
    return true;
  }
  if (is_container(last, "chord") && !is_container(right, "group")) {
    auto& body = *last.find("kwargs")->find("body");
    body = compose(std::move(body), std::move(right));
    return true;
  }
  return false;
}

inline void append_step(value::list& steps, value&& right) {
  if (!steps.empty() && absorb(steps.back(), right)) return;
  if (is_container(right, "chain") && is_plain(right)) {
    auto& more = tasks_of(right);
    std::move(more.begin(), more.end(), std::back_inserter(steps));
  } else {
    steps.push_back(std::move(right));
  }
}

/// Celery's `left | right`: flat chains; a group with something after it is a chord; what follows a chord follows its
/// body.
inline value compose(value left, value right) {
  if (is_container(left, "chain") && is_plain(left)) {
    append_step(tasks_of(left), std::move(right));
    return left;
  }
  if (absorb(left, right)) return left;
  value::list steps;
  append_step(steps, std::move(left));
  append_step(steps, std::move(right));
  return make_chain(std::move(steps));
}

}  // namespace lovage::detail
