// Sending, following, cancelling, resuming and drawing named workflows.
#include "app/result_trees.hpp"
#include "app/revoke.hpp"
#include "app/signature_message.hpp"
#include "app/workflow_graph.hpp"
#include "core/ids.hpp"
#include "wire/result_record.hpp"

#include <lovage/signature_value.hpp>

#include <algorithm>

namespace lovage {
namespace detail {
namespace {

task_id document_id(task_id const& run) { return task_id{run.str() + document_suffix}; }

std::chrono::seconds kept(app_state const& app) {
  return std::chrono::ceil<std::chrono::seconds>(app.settings.result_expires());
}

wire::result_record record_of(task_id id, std::string_view state, value result) {
  wire::result_record out;
  out.id = std::move(id);
  out.status = state;
  out.result = std::move(result);
  return out;
}

expected<void> mark_started(app_state& app, task_id const& id, deadline until) {
  auto backend = app.backend(until);
  if (!backend) return fail(backend.error());
  auto const record = record_of(id, wire::state::started, value::map{{"hostname", app.publishing.origin}});
  return (*backend)->store({&record, 1}, kept(app), until);
}

expected<graph_document> document_of(app_state& app, task_id const& id, deadline until) {
  auto backend = app.backend(until);
  if (!backend) return fail(backend.error());
  auto const where = document_id(id);
  auto records = (*backend)->fetch({&where, 1}, until);
  if (!records) return fail(records.error());
  if (records->front().status != document_state)
    return fail(errc::invalid_argument, "the result backend knows no workflow of this id, or no longer", id.str());
  return graph_document::from_value(records->front().result);
}

graph_document document_or_throw(app_state& app, task_id const& id) {
  return value_or_throw(document_of(app, id, app.operation_deadline()));
}

expected<void> publish_calls(app_state& app, std::vector<value> calls, deadline until) {
  auto producer = app.producer(until);
  if (!producer) return fail(producer.error());
  std::vector<broker::outgoing> out;
  for (auto& c : calls) {
    auto signature = wire::signature::from_value(std::move(c));
    if (!signature) return fail(signature.error());
    auto call = call_of(*std::move(signature), {}, app.publishing, app.now());
    if (!call) return fail(call.error());
    auto message = outgoing_of(*std::move(call));
    if (!message) return fail(message.error());
    out.push_back(*std::move(message));
  }
  return (*producer)->publish(out, until);
}

expected<std::shared_ptr<backend::result_backend>> counting_backend(app_state& app, deadline until) {
  auto backend = app.backend(until);
  if (!backend || (*backend)->abilities().chords) return backend;
  return fail(errc::not_supported, "a workflow needs a result backend that counts; use redis:// or sqlite://",
              "result_backend");
}

std::vector<task_id> ids_of(graph_document const& doc) {
  std::vector<task_id> out;
  for (auto const& n : doc.nodes) out.emplace_back(doc.id_of(n.name));
  return out;
}

std::vector<wire::result_record> node_records(app_state& app, graph_document const& doc) {
  auto const until = app.operation_deadline();
  return app.backend(until).value()->fetch(ids_of(doc), until).value();
}

std::string task_of(value const& signature) { return *signature.find("task")->get_if<std::string>(); }

// Its call with what its inputs gave, which have all succeeded when it ran.
value complete_call(graph_document const& doc, std::size_t i, std::vector<wire::result_record> const& records) {
  auto const& n = doc.nodes[i];
  auto call = doc.call_of(n);
  value::list args;
  for (auto const input : n.inputs) {
    auto const& name = n.needs.at(static_cast<std::size_t>(input));
    auto const at = std::ranges::find(doc.nodes, name, &graph_document::node::name) - doc.nodes.begin();
    args.push_back(records.at(static_cast<std::size_t>(at)).result);
  }
  auto& own = *call.find("args")->get_if<value::list>();
  args.insert(args.end(), own.begin(), own.end());
  own = std::move(args);
  return call;
}

}  // namespace

expected<task_id> send_graph(app_state& app, workflow const& flow, deadline until) {
  task_id id = new_task_id();
  auto doc = graph_document::of(flow, id.str());
  if (!doc) return fail(doc.error());
  auto backend = counting_backend(app, until);
  if (!backend) return fail(backend.error());
  auto const kept_for = kept(app);
  auto const document = record_of(document_id(id), document_state, doc->to_value());
  if (auto ok = (*backend)->store({&document, 1}, kept_for, until); !ok) return fail(ok.error());
  if (auto ok = mark_started(app, id, until); !ok) return fail(ok.error());
  if (auto ok = (*backend)->start_chords(doc->chords(), kept_for, until); !ok) return fail(ok.error());
  std::vector<value> first;
  for (auto const& n : doc->nodes)
    if (n.needs.empty()) first.push_back(doc->call_of(n));
  if (auto ok = publish_calls(app, std::move(first), until); !ok) return fail(ok.error());
  return id;
}

}  // namespace detail

std::size_t workflow::add_node(std::string name, raw_call call, std::vector<std::size_t> inputs) {
  auto const refuse = [&](std::string why) { throw error{errc::invalid_argument, std::move(why), name_}; };
  auto const fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (name.empty() || !std::ranges::all_of(name, fits) || name == "graph")
    refuse("'" + name + "' is no name for a node; use letters, digits, '_' and '-', and not \"graph\" alone");
  if (std::ranges::find(nodes_, name, &node::name) != nodes_.end()) refuse("there is a node '" + name + "' already");
  nodes_.push_back({std::move(name), detail::signature_value(call), std::move(inputs), {}});
  return nodes_.size() - 1;
}

workflow_run app::send(workflow const& flow) {
  return {state_, detail::value_or_throw(detail::send_graph(*state_, flow, send_deadline()))};
}

workflow_run app::workflow_of(task_id id) { return {state_, std::move(id)}; }

task_status workflow_run::status() const { return async_result<value>{app_, id_, {}}.status(); }
bool workflow_run::wait(deadline until) const { return async_result<value>{app_, id_, {}}.wait(until); }
value workflow_run::get(deadline until) const { return async_result<value>{app_, id_, {}}.get(until); }

std::vector<workflow_node_status> workflow_run::nodes() const {
  auto const doc = detail::document_or_throw(*app_, id_);
  auto records = detail::node_records(*app_, doc);
  std::vector<workflow_node_status> out;
  for (std::size_t i = 0; i < doc.nodes.size(); ++i)
    out.push_back({doc.nodes[i].name, detail::task_of(doc.nodes[i].signature), doc.nodes[i].needs,
                   detail::status_of(std::move(records[i]))});
  return out;
}

workflow_run::progress_counts workflow_run::progress() const {
  progress_counts out;
  for (auto const& n : nodes()) {
    ++out.all;
    out.succeeded += n.status.successful() ? 1 : 0;
    out.failed += n.status.ready() && !n.status.successful() ? 1 : 0;
    out.running += !n.status.ready() && n.status.state != "PENDING" ? 1 : 0;
  }
  return out;
}

drawing workflow_run::draw() const {
  drawing out;
  auto const all = nodes();
  for (auto const& n : all) out.boxes.push_back({n.name + "\n" + n.task, n.status.state});
  for (std::size_t i = 0; i < all.size(); ++i)
    for (auto const& need : all[i].waits_for) {
      auto const from = std::ranges::find(all, need, &workflow_node_status::name) - all.begin();
      out.arrows.emplace_back(static_cast<std::size_t>(from), i);
    }
  return out;
}

void workflow_run::cancel(bool terminate) {
  auto const doc = detail::document_or_throw(*app_, id_);
  auto ids = detail::ids_of(doc);
  ids.push_back(id_);
  detail::revoke(*app_, ids, terminate, "TERM").value();
  auto const until = app_->operation_deadline();
  wire::exception_info const why{"TaskRevokedError", {"cancelled"}, "celery.exceptions"};
  auto const record = detail::record_of(id_, wire::state::revoked, why.to_value());
  app_->backend(until).value()->store({&record, 1}, detail::kept(*app_), until).value();
}

std::size_t workflow_run::resume() {
  auto const doc = detail::document_or_throw(*app_, id_);
  auto const records = detail::node_records(*app_, doc);
  std::vector<value> calls;
  for (std::size_t i = 0; i < records.size(); ++i)
    if (records[i].status == wire::state::failure) calls.push_back(detail::complete_call(doc, i, records));
  if (calls.empty()) return 0;
  auto const count = calls.size();
  auto const until = app_->operation_deadline();
  detail::mark_started(*app_, id_, until).value();
  detail::publish_calls(*app_, std::move(calls), until).value();
  return count;
}

}  // namespace lovage
