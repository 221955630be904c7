#include "wire/signature.hpp"

#include "wire/fields.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace lovage::wire {

namespace {

void read_type(value const& v, std::optional<std::string>& out, fields& in) {
  in.text("subtask_type", v, out);
  if (out && out->empty()) out.reset();
}

value::list to_list(std::vector<signature>&& from) {
  value::list out;
  out.reserve(from.size());
  for (auto& s : from) out.push_back(std::move(s).to_value());
  return out;
}

signature container(char const* task, std::optional<std::string> type, value::map kwargs, bool immutable) {
  signature out;
  out.task = task;
  out.kwargs = std::move(kwargs);
  out.subtask_type = std::move(type);
  out.immutable = immutable;
  return out;
}

error_info inside(error_info error, std::string const& place) {
  constexpr std::string_view part = "signature";
  std::string rest = error.where.starts_with(part) ? error.where.substr(part.size()) : "." + error.where;
  error.where = place + rest;
  return error;
}

failure missing(std::string_view key, std::string_view wanted) {
  return fail(errc::decode, "signature key 'kwargs." + std::string{key} + "' is not " + std::string{wanted},
              "signature.kwargs." + std::string{key});
}

value* member_of(value::map& of, std::string_view key) {
  for (auto& item : of)
    if (item.key == key) return &item.val;
  return nullptr;
}

// Takes them out of what held them.
expected<std::vector<signature>> read_list(value* v, std::string_view key) {
  auto* list = v != nullptr ? v->get_if<value::list>() : nullptr;
  if (list == nullptr) return missing(key, "a list");
  std::vector<signature> out;
  out.reserve(list->size());
  for (auto& item : *list) {
    auto s = signature::from_value(std::move(item));
    if (!s)
      return fail(inside(s.error(), "signature.kwargs." + std::string{key} + "[" + std::to_string(out.size()) + "]"));
    out.push_back(std::move(*s));
  }
  return out;
}

expected<signature> read_one(signature& from, std::string_view key) {
  auto* v = member_of(from.kwargs, key);
  if (v == nullptr) return missing(key, "a signature");
  auto s = signature::from_value(std::move(*v));
  if (!s) return fail(inside(s.error(), "signature.kwargs." + std::string{key}));
  return s;
}

failure wrong_kind(signature const& s, std::string_view wanted) {
  return fail(errc::invalid_argument, "signature of '" + s.task + "' is no " + std::string{wanted}, "signature.task");
}

}  // namespace

value signature::to_value() && {
  value::map out;
  out.reserve(6 + extra.size());
  out.push_back({"task", std::move(task)});
  out.push_back({"args", std::move(args)});
  out.push_back({"kwargs", std::move(kwargs)});
  out.push_back({"options", std::move(options)});
  out.push_back({"subtask_type", subtask_type ? value{std::move(*subtask_type)} : value{}});
  out.push_back({"immutable", immutable});
  std::move(extra.begin(), extra.end(), std::back_inserter(out));
  return out;
}

value signature::to_value() const& { return signature{*this}.to_value(); }

expected<signature> signature::from_value(value v) {
  auto* m = v.get_if<value::map>();
  if (m == nullptr) return fail(errc::decode, std::string{"signature is "} + v.kind() + ", expected map", "signature");
  signature out;
  bool args = false, kwargs = false, options = false;
  fields in{"signature", "signature key"};
  for (auto& item : *m) {
    auto& [key, member] = item;
    if (key == "task") {
      in.name(key, member, out.task);
    } else if (key == "args") {
      args = true, in.list(key, member, out.args);
    } else if (key == "kwargs") {
      kwargs = true, in.map(key, member, out.kwargs);
    } else if (key == "options") {
      options = true, in.map(key, member, out.options);
    } else if (key == "subtask_type") {
      read_type(member, out.subtask_type, in);
    } else if (key == "immutable") {
      in.boolean(key, member, out.immutable);
    } else {
      out.extra.push_back(std::move(item));
    }
  }
  if (out.task.empty()) in.missing("task");
  if (!args) in.missing("args");
  if (!kwargs) in.missing("kwargs");
  if (!options) in.missing("options");
  if (!in.ok()) return fail(in.take_error());
  return out;
}

signature_kind signature::kind() const noexcept {
  if (subtask_type == "chain" || task == "celery.chain") return signature_kind::chain;
  if (subtask_type == "group" || task == "celery.group") return signature_kind::group;
  if (subtask_type == "chord" || task == "celery.chord") return signature_kind::chord;
  if (task == "celery.map") return signature_kind::map;
  if (task == "celery.starmap") return signature_kind::starmap;
  if (task == "celery.chunks") return signature_kind::chunks;
  return signature_kind::task;
}

void signature::apply_partial(value::list more_args, value::map more_kwargs) {
  if (immutable) return;
  std::move(args.begin(), args.end(), std::back_inserter(more_args));
  args = std::move(more_args);
  for (auto& item : more_kwargs) {
    auto const same = [&](value::member const& have) { return have.key == item.key; };
    if (auto const at = std::find_if(kwargs.begin(), kwargs.end(), same); at != kwargs.end()) {
      at->val = std::move(item.val);
    } else {
      kwargs.push_back(std::move(item));
    }
  }
}

value const* signature::option(std::string_view name) const noexcept {
  auto const* found = find(options, name);
  return found != nullptr && !found->is_null() ? found : nullptr;
}

void signature::set_option(std::string_view name, value v) {
  for (auto& item : options)
    if (item.key == name) {
      item.val = std::move(v);
      return;
    }
  options.push_back({std::string{name}, std::move(v)});
}

void signature::remove_option(std::string_view name) {
  std::erase_if(options, [&](value::member const& item) { return item.key == name; });
}

expected<std::vector<signature>> members(signature from) {
  if (auto const kind = from.kind(); kind != signature_kind::chain && kind != signature_kind::group)
    return wrong_kind(from, "chain or group");
  return read_list(member_of(from.kwargs, "tasks"), "tasks");
}

expected<chord_parts> split_chord(signature chord) {
  if (chord.kind() != signature_kind::chord) return wrong_kind(chord, "chord");
  chord_parts out;
  auto* header = member_of(chord.kwargs, "header");
  out.header_is_group = header != nullptr && header->is<value::map>();
  expected<std::vector<signature>> read{std::vector<signature>{}};
  if (out.header_is_group) {
    auto group = read_one(chord, "header");
    if (!group) return fail(group.error());
    out.header_options = std::move(group->options);
    read = members(*std::move(group));
    if (!read) return fail(inside(read.error(), "signature.kwargs.header"));
  } else {
    read = read_list(header, "header");
  }
  if (!read) return fail(read.error());
  out.header = std::move(*read);
  auto body = read_one(chord, "body");
  if (!body) return fail(body.error());
  out.body = std::move(*body);
  return out;
}

expected<map_parts> split_map(signature from) {
  auto const kind = from.kind();
  if (kind != signature_kind::map && kind != signature_kind::starmap && kind != signature_kind::chunks)
    return wrong_kind(from, "map, starmap or chunks");
  map_parts out;
  auto task = read_one(from, "task");
  if (!task) return fail(task.error());
  out.task = std::move(*task);
  auto* items = member_of(from.kwargs, "it");
  auto* list = items != nullptr ? items->get_if<value::list>() : nullptr;
  if (list == nullptr) return missing("it", "a list");
  out.items = std::move(*list);
  if (kind != signature_kind::chunks) return out;
  auto const* n = find(from.kwargs, "n");
  auto const* size = n != nullptr ? n->get_if<std::int64_t>() : nullptr;
  if (size == nullptr || *size < 1) return missing("n", "a positive integer");
  out.chunk_size = *size;
  return out;
}

signature make_chain(std::vector<signature> steps) {
  return container("celery.chain", "chain", value::map{{"tasks", to_list(std::move(steps))}}, false);
}

signature make_group(std::vector<signature> tasks) {
  return container("celery.group", "group", value::map{{"tasks", to_list(std::move(tasks))}}, false);
}

signature make_chord(std::vector<signature> header, signature body) {
  value::map kwargs{
      {"kwargs", value::map{}}, {"header", to_list(std::move(header))}, {"body", std::move(body).to_value()}};
  return container("celery.chord", "chord", std::move(kwargs), false);
}

signature make_map(signature_kind kind, signature task, value::list items, std::int64_t chunk_size) {
  value::map kwargs{{"task", std::move(task).to_value()}, {"it", std::move(items)}};
  if (kind == signature_kind::chunks) kwargs.push_back({"n", chunk_size});
  char const* name = kind == signature_kind::chunks    ? "celery.chunks"
                     : kind == signature_kind::starmap ? "celery.starmap"
                                                       : "celery.map";
  return container(name, std::nullopt, std::move(kwargs), true);
}

std::string first_id(value const& frozen) {
  auto const text = [](value const* v) {
    auto const* s = v ? v->get_if<std::string>() : nullptr;
    return s ? std::string_view{*s} : std::string_view{};
  };
  auto const* at = &frozen;
  while (text(at->find("subtask_type")) == "chain" || text(at->find("task")) == "celery.chain") {
    auto const* kwargs = at->find("kwargs");
    auto const* tasks = kwargs ? kwargs->find("tasks") : nullptr;
    auto const* steps = tasks ? tasks->get_if<value::list>() : nullptr;
    if (steps == nullptr || steps->empty()) return {};
    at = &steps->front();
  }
  auto const* options = at->find("options");
  return std::string{text(options ? options->find("task_id") : nullptr)};
}

}  // namespace lovage::wire
