#include "wire/result_tuple.hpp"

#include "wire/serializer.hpp"

namespace lovage::wire {

namespace {

constexpr int deepest = 400;  // tuples inside each other; the serializers stop at 500 lists anyway

failure no_tuple(std::string where, std::string_view what) {
  return fail(errc::decode, "result tuple " + std::string{what} + ", expected [[id, parent], children]",
              std::move(where));
}

expected<result_tuple> read(value const& v, std::string const& where, int depth);

expected<void> read_children(value const& v, std::string const& where, int depth, result_tuple& out) {
  if (v.is_null()) return {};
  auto const* list = v.get_if<value::list>();
  if (list == nullptr) return no_tuple(where, "has children that are no list");
  auto& children = out.children.emplace();
  children.reserve(list->size());
  for (auto const& item : *list) {
    auto child = read(item, where + ".children[" + std::to_string(children.size()) + "]", depth + 1);
    if (!child) return fail(child.error());
    children.push_back(std::move(*child));
  }
  return {};
}

/// `[id, parent]`; the bare id is an older way to write `[id, null]`.
expected<void> read_head(value const& v, std::string const& where, int depth, result_tuple& out) {
  if (auto const* bare = v.get_if<std::string>()) {
    out.id = *bare;
    return {};
  }
  auto const* head = v.get_if<value::list>();
  if (head == nullptr || head->size() != 2) return no_tuple(where, "has no [id, parent]");
  auto const* id = head->front().get_if<std::string>();
  if (id == nullptr) return no_tuple(where, "has an id that is no str");
  out.id = *id;
  if (head->back().is_null()) return {};
  auto parent = read(head->back(), where + ".parent", depth + 1);
  if (!parent) return fail(parent.error());
  out.parent.push_back(std::move(*parent));
  return {};
}

expected<result_tuple> read(value const& v, std::string const& where, int depth) {
  if (depth > deepest) return no_tuple("tuple", "is nested too deep");
  auto const* pair = v.get_if<value::list>();
  if (pair == nullptr || pair->size() != 2) return no_tuple(where, "is no list of two");
  result_tuple out;
  if (auto head = read_head(pair->front(), where, depth, out); !head) return fail(head.error());
  if (auto children = read_children(pair->back(), where, depth, out); !children) return fail(children.error());
  return out;
}

}  // namespace

value result_tuple::to_value() const {
  value::list head{id, parent.empty() ? value{} : parent.front().to_value()};
  value members;
  if (children) {
    value::list list;
    list.reserve(children->size());
    for (auto const& child : *children) list.push_back(child.to_value());
    members = std::move(list);
  }
  return value::list{std::move(head), std::move(members)};
}

expected<result_tuple> result_tuple::from_value(value const& v) { return read(v, "tuple", 0); }

expected<std::string> encode_group(result_tuple const& group, std::string_view name) {
  auto const* s = find_serializer(name);
  if (s == nullptr)
    return fail(errc::encode, "result_serializer '" + std::string{name} + "' is not known", "result_serializer");
  return s->write(value::map{{"result", group.to_value()}}, false);
}

expected<result_tuple> decode_group(std::string_view data, std::string_view name) {
  auto const* s = find_serializer(name);
  if (s == nullptr)
    return fail(errc::decode, "result_serializer '" + std::string{name} + "' is not known", "result_serializer");
  auto const v = s->read(data);
  if (!v) return fail(v.error());
  auto const* tuple = v->find("result");
  if (tuple == nullptr) return fail(errc::decode, "group record has no 'result'", "result");
  return result_tuple::from_value(*tuple);
}

}  // namespace lovage::wire
