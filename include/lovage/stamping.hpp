// Stamps on every call of a workflow, by which they can be revoked together.
#pragma once

#include <lovage/compose.hpp>

#include <map>
#include <string>
#include <vector>

namespace lovage {

/// Names of stamps, each with values of it.
using stamp_values = std::map<std::string, std::vector<std::string>>;

/// Says which stamps the parts of a workflow get: Celery's class of that name. What a function returns goes to the part
/// that it is asked about, and to everything inside. `signature` is in Celery's form.
///
///     struct by_tenant : lovage::stamping_visitor {
///       lovage::stamp_values on_signature(lovage::value const&) override { return {{"tenant", {"acme"}}}; }
///     };
///     by_tenant visitor;
///     app.send(flow.stamp(visitor));
class stamping_visitor {
 public:
  virtual ~stamping_visitor() = default;
  /// Of each call of a task.
  virtual stamp_values on_signature(value const& signature) = 0;
  virtual stamp_values on_chain_start(value const&) { return {}; }
  virtual void on_chain_end(value const&) {}
  virtual stamp_values on_group_start(value const&) { return {}; }
  virtual void on_group_end(value const&) {}
  /// Of the chord, for its header.
  virtual stamp_values on_chord_header_start(value const&) { return {}; }
  virtual void on_chord_header_end(value const&) {}
  /// Of the chord, for its body.
  virtual stamp_values on_chord_body(value const&) { return {}; }
  /// Of what is called once a task succeeded, and once it failed.
  virtual stamp_values on_callback(value const&) { return {}; }
  virtual stamp_values on_errback(value const&) { return {}; }
};

namespace detail {

/// Puts stamps beside those that are there; a value is there once.
inline void put_stamps(value& signature, stamp_values const& stamps) {
  if (stamps.empty()) return;
  auto& options = *signature.find("options")->get_if<value::map>();
  auto const list_of = [&](std::string_view key) -> value::list& {
    if (!find(options, key)) options.push_back({std::string{key}, value::list{}});
    auto& v = *const_cast<value*>(find(options, key));
    if (!v.is<value::list>()) v = value::list{v};
    return *v.get_if<value::list>();
  };
  auto const add = [](value::list& to, value v) {
    for (auto const& have : to)
      if (have == v) return;
    to.push_back(std::move(v));
  };
  for (auto const& [name, values] : stamps) {
    for (auto const& v : values) add(list_of(name), value{v});
    add(list_of("stamped_headers"), value{name});
  }
}

[[nodiscard]] inline stamp_values join_stamps(stamp_values a, stamp_values const& b) {
  for (auto const& [name, values] : b) a[name].insert(a[name].end(), values.begin(), values.end());
  return a;
}

class stamper {
 public:
  explicit stamper(stamping_visitor& by) : by_{by} {}

  void stamp(value& signature, stamp_values const& inherited) {
    links(signature, "link", inherited);
    links(signature, "link_error", inherited);
    if (is_container(signature, "chain")) {
      all(tasks_of(signature), join_stamps(inherited, by_.on_chain_start(signature)));
      by_.on_chain_end(signature);
    } else if (is_container(signature, "group")) {
      all(tasks_of(signature), join_stamps(inherited, by_.on_group_start(signature)));
      by_.on_group_end(signature);
    } else if (is_container(signature, "chord")) {
      chord(signature, inherited);
    } else {
      put_stamps(signature, join_stamps(inherited, by_.on_signature(signature)));
    }
  }

 private:
  void all(value::list& signatures, stamp_values const& inherited) {
    for (auto& s : signatures) stamp(s, inherited);
  }
  void chord(value& signature, stamp_values const& inherited) {
    auto const to_header = join_stamps(inherited, by_.on_chord_header_start(signature));
    auto& header = *signature.find("kwargs")->find("header");
    if (auto* list = header.get_if<value::list>()) {
      all(*list, to_header);
    } else {
      stamp(header, to_header);
    }
    by_.on_chord_header_end(signature);
    auto const to_body = join_stamps(inherited, by_.on_chord_body(signature));
    stamp(*signature.find("kwargs")->find("body"), to_body);
  }
  void links(value& signature, char const* option, stamp_values const& inherited) {
    auto* linked = signature.find("options")->find(option);
    auto* list = linked ? linked->get_if<value::list>() : nullptr;
    if (!list) return;
    bool const on_success = std::string_view{option} == "link";
    for (auto& then : *list)
      stamp(then, join_stamps(inherited, on_success ? by_.on_callback(then) : by_.on_errback(then)));
  }

  stamping_visitor& by_;
};

/// Gives every call the same stamps.
class same_stamps : public stamping_visitor {
 public:
  explicit same_stamps(stamp_values stamps) : stamps_{std::move(stamps)} {}
  stamp_values on_signature(value const&) override { return stamps_; }

 private:
  stamp_values stamps_;
};

}  // namespace detail
}  // namespace lovage
