#include "app/builtin_tasks.hpp"

#include "app/invoke.hpp"
#include "app/workflow_graph.hpp"
#include "wire/signature.hpp"

#include <lovage/unpack.hpp>

namespace lovage {
namespace {

using packed = std::string_view;

/// The host of the built-in task, as its inner calls see it: all but the end.
class inner_host final : public invoke_host {
 public:
  inner_host(lovage_host const& outer, void* call) : outer_{outer}, call_{call} {}
  void update_state(packed state, packed meta) override {
    outer_.update_state(call_, state.data(), state.size(), meta.data(), meta.size());
  }
  [[nodiscard]] int stop_requested() const noexcept override { return outer_.stop_requested(call_); }
  void send_event(packed type, packed fields) override {
    outer_.send_event(call_, type.data(), type.size(), fields.data(), fields.size());
  }
  void log(int level, packed text) override { outer_.log(call_, level, text.data(), text.size()); }

 private:
  lovage_host const& outer_;
  void* call_;
};

struct given {
  value::list args;
  value::map kwargs;

  // By name, or in its place.
  [[nodiscard]] value const* find(packed name, std::size_t place) const {
    auto const* named = lovage::find(kwargs, name);
    return named != nullptr || place >= args.size() ? named : &args[place];
  }
};

given read_arguments(packed arguments) {
  auto both = unpacker{arguments}.any();
  auto& list = *both.get_if<value::list>();
  return {std::move(*list.at(0).get_if<value::list>()), std::move(*list.at(1).get_if<value::map>())};
}

/// One call of a built-in task.
struct builtin_call {
  task_registry::impl const& tasks;
  inner_host host;
  packed request;
  given with;

  [[nodiscard]] outcome call_each(task_entry const& entry, value::list const& items, bool spread,
                                  value::list& results) {
    for (auto const& item : items) {
      auto const* several = item.get_if<value::list>();
      if (spread && several == nullptr) return failure_outcome("TypeError", "an item of starmap is no list");
      value both{value::list{spread ? item : value{value::list{item}}, value::map{}}};
      auto end = invoke(entry, request, pack(both), host);
      if (end.kind != LOVAGE_SUCCESS) return end;
      results.push_back(unpacker{end.data}.any());
    }
    return {LOVAGE_SUCCESS, {}};
  }

  [[nodiscard]] task_entry const* called(outcome& why_not) const {
    auto const* v = with.find("task", 0);
    auto const s = v != nullptr ? wire::signature::from_value(*v) : fail(errc::decode, "argument 'task' is missing");
    if (!s) return why_not = failure_outcome("TypeError", s.error().text()), nullptr;
    auto const* entry = tasks.find(s->task);
    if (entry == nullptr) why_not = failure_outcome("NotRegistered", s->task);
    return entry;
  }

  [[nodiscard]] outcome map(bool spread) {
    outcome end;
    auto const* entry = called(end);
    if (entry == nullptr) return end;
    auto const* it = with.find("it", 1);
    auto const* items = it != nullptr ? it->get_if<value::list>() : nullptr;
    if (items == nullptr) return failure_outcome("TypeError", "argument 'it' is no list");
    value::list results;
    end = call_each(*entry, *items, spread, results);
    return end.kind == LOVAGE_SUCCESS ? outcome{LOVAGE_SUCCESS, pack(value{std::move(results)})} : end;
  }

  // As one task; a client sends one celery.starmap for each chunk instead.
  [[nodiscard]] outcome chunks() {
    outcome end;
    auto const* entry = called(end);
    if (entry == nullptr) return end;
    auto const* it = with.find("it", 1);
    auto const* n = with.find("n", 2);
    auto const* items = it != nullptr ? it->get_if<value::list>() : nullptr;
    auto const* size = n != nullptr ? n->get_if<std::int64_t>() : nullptr;
    if (items == nullptr || size == nullptr || *size < 1)
      return failure_outcome("TypeError", "celery.chunks takes a list and a positive size");
    value::list results, one;
    end = call_each(*entry, *items, true, one);
    if (end.kind != LOVAGE_SUCCESS) return end;
    for (std::size_t i = 0; i < one.size(); ++i) {
      if (i % static_cast<std::size_t>(*size) == 0) results.emplace_back(value::list{});
      results.back().get_if<value::list>()->push_back(std::move(one[i]));
    }
    return {LOVAGE_SUCCESS, pack(value{std::move(results)})};
  }

  [[nodiscard]] outcome accumulate() const {
    auto const* v = lovage::find(with.kwargs, "index");
    auto const* index = v != nullptr ? v->get_if<std::int64_t>() : nullptr;
    if (index == nullptr) return {LOVAGE_SUCCESS, pack(value{with.args})};
    auto const place = *index < 0 ? *index + static_cast<std::int64_t>(with.args.size()) : *index;
    if (place < 0 || place >= static_cast<std::int64_t>(with.args.size()))
      return failure_outcome("IndexError", "celery.accumulate has no argument " + std::to_string(*index));
    return {LOVAGE_SUCCESS, pack(with.args[static_cast<std::size_t>(place)])};
  }
};

// A container that comes as a task, as old senders have it: what stands in it is run in its place, under its id.
outcome container(char const* kind, value::map&& kwargs, value const* partial_args, value const* id = nullptr) {
  value::map options;
  if (id != nullptr && id->is<std::string>()) options.push_back({"task_id", *id});
  bool const some = partial_args != nullptr && partial_args->is<value::list>();
  value::map s{{"task", std::string{"celery."} + kind}, {"args", some ? *partial_args : value{value::list{}}}};
  s.push_back({"kwargs", std::move(kwargs)});
  s.push_back({"options", std::move(options)});
  s.push_back({"subtask_type", kind});
  s.push_back({"immutable", false});
  return {LOVAGE_REPLACED, pack(value{std::move(s)})};
}

outcome missing_arguments(char const* what) { return failure_outcome("TypeError", what); }

outcome run_group(builtin_call& c) {
  auto const* tasks = c.with.find("tasks", 0);
  if (tasks == nullptr || !tasks->is<value::list>()) return missing_arguments("celery.group takes a list of tasks");
  return container("group", {{"tasks", *tasks}}, c.with.find("partial_args", 3), c.with.find("group_id", 2));
}

outcome run_chain(builtin_call& c) {
  auto const* tasks = c.with.find("tasks", 0);
  if (tasks == nullptr || !tasks->is<value::list>()) return missing_arguments("celery.chain takes a list of tasks");
  return container("chain", {{"tasks", *tasks}}, nullptr);
}

outcome run_chord(builtin_call& c) {
  auto const* header = c.with.find("header", 0);
  auto const* body = c.with.find("body", 1);
  if (header == nullptr || body == nullptr) return missing_arguments("celery.chord takes a header and a body");
  return container("chord", {{"header", *header}, {"body", *body}, {"kwargs", value::map{}}},
                   c.with.find("partial_args", 2));
}

// Where it can be run the worker itself does: no process of the pool talks to the backend.
outcome run_chord_unlock(builtin_call&) {
  return failure_outcome("NotImplementedError",
                         "celery.chord_unlock needs a result backend that workers can read; rpc:// is none");
}

// The end of a named workflow: what its last nodes gave, by name.
outcome run_workflow_end(builtin_call& c) {
  auto const* results = c.with.find("results", 0);
  auto const* names = lovage::find(c.with.kwargs, "names");
  auto const* values = results != nullptr ? results->get_if<value::list>() : nullptr;
  auto const* keys = names != nullptr ? names->get_if<value::list>() : nullptr;
  if (values == nullptr || keys == nullptr || values->size() != keys->size())
    return failure_outcome("TypeError", "lovage.workflow_end takes a list of results and as many names");
  value::map out;
  for (std::size_t i = 0; i < keys->size(); ++i)
    if (auto const* key = (*keys)[i].get_if<std::string>()) out.push_back({*key, (*values)[i]});
  return {LOVAGE_SUCCESS, pack(value{std::move(out)})};
}

// The end of a batch: what came of it, as it was counted.
outcome run_batch_end(builtin_call& c) {
  auto const* summary = c.with.find("summary", 0);
  if (summary == nullptr || !summary->is<value::map>())
    return failure_outcome("TypeError", "lovage.batch_end takes what came of a batch");
  return {LOVAGE_SUCCESS, pack(*summary)};
}

// Every worker's own process removes what has expired, once an hour; schedulers ask for it all the same.
outcome run_backend_cleanup(builtin_call&) { return {LOVAGE_SUCCESS, pack(value{})}; }

outcome run_map(builtin_call& c) { return c.map(false); }
outcome run_starmap(builtin_call& c) { return c.map(true); }
outcome run_chunks(builtin_call& c) { return c.chunks(); }
outcome run_accumulate(builtin_call& c) { return c.accumulate(); }

template <outcome (*Run)(builtin_call&)>
void run_builtin(void* body, lovage_host const* host, void* call, char const* request, size_t request_size,
                 char const* arguments, size_t arguments_size) {
  outcome end;
  try {
    builtin_call mine{*static_cast<task_registry::impl const*>(body), inner_host{*host, call},
                      packed{request, request_size}, read_arguments({arguments, arguments_size})};
    end = Run(mine);
  } catch (std::exception const& e) {
    end = failure_outcome("RuntimeError", e.what());
  }
  host->finish(call, end.kind, end.data.data(), end.data.size());
}

}  // namespace

std::map<std::string, task_entry, std::less<>> make_builtin_tasks(task_registry::impl const& tasks) {
  std::map<std::string, task_entry, std::less<>> out;
  auto const add = [&](char const* name, lovage_run_fn run) {
    auto* const body = const_cast<task_registry::impl*>(&tasks);
    out.emplace(name, task_entry{name, {}, run, body, nullptr, "lovage"});
  };
  add("celery.map", &run_builtin<run_map>);
  add("celery.starmap", &run_builtin<run_starmap>);
  add("celery.chunks", &run_builtin<run_chunks>);
  add("celery.accumulate", &run_builtin<run_accumulate>);
  add("celery.backend_cleanup", &run_builtin<run_backend_cleanup>);
  add("celery.group", &run_builtin<run_group>);
  add("celery.chain", &run_builtin<run_chain>);
  add("celery.chord", &run_builtin<run_chord>);
  add("celery.chord_unlock", &run_builtin<run_chord_unlock>);
  add("lovage.batch_end", &run_builtin<run_batch_end>);
  add(detail::workflow_end_task, &run_builtin<run_workflow_end>);
  return out;
}

}  // namespace lovage
