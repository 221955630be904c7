#include "wire/result_record.hpp"

#include "wire/fields.hpp"
#include "wire/serializer.hpp"
#include "wire/task_message.hpp"

#include <tuple>

namespace lovage::wire {

namespace {

value or_null(std::optional<std::string> const& text) { return text ? value{*text} : value{}; }

void read_date(value const& v, std::optional<std::string>& out, fields& in) {
  if (auto const* at = v.get_if<datetime>()) {
    out = to_iso(*at);
  } else {
    in.text("date_done", v, out);
  }
}

void read_id(value const& v, task_id& out, fields& in) {
  std::optional<std::string> id;
  in.text("task_id", v, id);
  if (id) out = task_id{std::move(*id)};
}

void read_member(value::member& item, result_record& out, fields& in) {
  auto& [key, v] = item;
  if (key == "status") return in.name(key, v, out.status);
  if (key == "task_id") return read_id(v, out.id, in);
  if (key == "traceback") return in.text(key, v, out.traceback);
  if (key == "date_done") return read_date(v, out.date_done, in);
  if (key == "group_id") return in.text(key, v, out.group_id);
  if (key == "parent_id") return in.text(key, v, out.parent_id);
  if (key == "result") {
    out.result = std::move(v);
  } else if (key != "children") {
    out.extended.push_back(std::move(item));
  } else if (v.is_null() || v.is<value::list>()) {
    out.children = std::move(v);
  } else {
    in.wrong_kind(key, v, "list or null");
  }
}

expected<serializer const*> choose(std::string_view name, errc code) {
  if (auto const* s = find_serializer(name)) return s;
  if (name == "pickle")
    return fail(errc::not_supported,
                "result_serializer 'pickle' is refused on purpose: reading a pickle runs code that its sender chose; "
                "set result_serializer to 'json' on both sides",
                "result_serializer");
  return fail(code, "result_serializer '" + std::string{name} + "' is not known (json, msgpack, yaml)",
              "result_serializer");
}

}  // namespace

value exception_info::to_value() const {
  return value::map{{"exc_type", type}, {"exc_message", message}, {"exc_module", module}};
}

std::optional<exception_info> exception_info::from_value(value const& v) {
  auto const* type = v.find("exc_type");
  auto const* name = type != nullptr ? type->get_if<std::string>() : nullptr;
  if (name == nullptr) return std::nullopt;
  exception_info out;
  out.type = *name;
  if (auto const* message = v.find("exc_message")) {
    if (auto const* arguments = message->get_if<value::list>()) {
      out.message = *arguments;
    } else if (!message->is_null()) {
      out.message.push_back(*message);
    }
  }
  if (auto const* module = v.find("exc_module"))
    if (auto const* text = module->get_if<std::string>()) out.module = *text;
  return out;
}

std::string exception_info::repr_text() const {
  constexpr std::size_t argument_size = 1'024;  // Celery's own limit for what a monitor shows
  std::string out = type + "(";
  for (bool first = true; auto const& part : message) {
    if (!std::exchange(first, false)) out += ", ";
    out += repr(part, argument_size);
  }
  return out += ")";
}

std::string exception_info::text() const {
  if (message.size() == 1)
    if (auto const* only = message.front().get_if<std::string>()) return *only;
  std::string out;
  for (auto const& argument : message) {
    if (!out.empty()) out += ", ";
    out += repr(argument);
  }
  return out;
}

bool operator==(result_record const& a, result_record const& b) {
  auto const kept = [](result_record const& r) {
    return std::tie(r.id, r.status, r.result, r.traceback, r.children, r.date_done, r.group_id, r.parent_id,
                    r.extended);
  };
  return kept(a) == kept(b);
}

value to_value(result_record const& r) {
  value::map out;
  out.reserve(8 + r.extended.size());
  out.push_back({"status", r.status});
  out.push_back({"result", r.result});
  out.push_back({"traceback", or_null(r.traceback)});
  out.push_back({"children", r.children});
  out.push_back({"date_done", or_null(r.date_done)});
  if (r.group_id) out.push_back({"group_id", *r.group_id});
  if (r.parent_id) out.push_back({"parent_id", *r.parent_id});
  for (auto const& item : r.extended) out.push_back(item);
  out.push_back({"task_id", r.id.str()});
  return out;
}

value to_rpc_value(result_record const& r) {
  return value::map{{"task_id", r.id.str()},
                    {"status", r.status},
                    {"result", r.result},
                    {"traceback", or_null(r.traceback)},
                    {"children", r.children}};
}

expected<result_record> to_record(value&& v) {
  auto* m = v.get_if<value::map>();
  if (m == nullptr) return fail(errc::decode, std::string{"result record is "} + v.kind() + ", expected map", "result");
  result_record out;
  out.status.clear();
  fields in{"result", "result key"};
  for (auto& item : *m) read_member(item, out, in);
  if (out.status.empty()) in.missing("status");
  if (!in.ok()) return fail(in.take_error());
  return out;
}

expected<std::string> encode_record(result_record const& r, std::string_view name) {
  auto const s = choose(name, errc::encode);
  if (!s) return fail(s.error());
  if (r.status.empty()) return fail(errc::encode, "the result record has no status", "result.status");
  if (r.id.empty()) return fail(errc::encode, "the result record has no task id", "result.task_id");
  return (*s)->write(to_value(r), false);
}

expected<result_record> decode_record(std::string_view data, std::string_view name) {
  auto const s = choose(name, errc::decode);
  if (!s) return fail(s.error());
  auto v = (*s)->read(data);
  if (v) return to_record(std::move(*v));
  auto error = v.error();
  if (error.where.empty()) error.where = "result";
  return fail(std::move(error));
}

}  // namespace lovage::wire
