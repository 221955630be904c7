// A call of this program's as a signature inside another message.
#include "app/signature_message.hpp"

#include "wire/result_record.hpp"

namespace lovage::detail {
namespace {

using wire::signature;

class option_writer {
 public:
  explicit option_writer(signature& to) : to_{to} {}
  void put(char const* key, std::optional<std::string> const& v) {
    if (v) to_.set_option(key, *v);
  }
  void put(char const* key, std::optional<call_options::seconds> v) {
    if (v) to_.set_option(key, v->count());
  }
  void put(char const* key, std::optional<time_point> v) {
    if (v) to_.set_option(key, wire::to_iso(*v));
  }
  template <class T>
  void put_plain(char const* key, std::optional<T> v) {
    if (v) to_.set_option(key, value{*v});
  }

 private:
  signature& to_;
};

expected<value::list> signatures_of(call_options::calls const& calls) {
  value::list out;
  for (auto const& call : calls) {
    auto s = signature_of(*call);
    if (!s) return fail(s.error());
    out.push_back(std::move(*s).to_value());
  }
  return out;
}

expected<void> write_links(call_options const& o, signature& to) {
  for (auto const& [key, calls] : {std::pair{"link", &o.links_}, std::pair{"link_error", &o.error_links_}}) {
    if (calls->empty()) continue;
    auto list = signatures_of(*calls);
    if (!list) return fail(list.error());
    to.set_option(key, *std::move(list));
  }
  return {};
}

// Beside the other options, each under its own name (wire-format 2.5).
expected<void> write_stamps(call_options const& o, signature& to) {
  if (o.stamps_.empty()) return {};
  value::list names;
  for (auto const& s : o.stamps_) {
    if (to.option(s.key) != nullptr)
      return fail(errc::invalid_argument, "the stamp '" + s.key + "' has the name of an option that is set, too");
    names.emplace_back(s.key);
    to.set_option(s.key, s.val);
  }
  to.set_option("stamped_headers", std::move(names));
  return {};
}

}  // namespace

expected<signature> signature_of(raw_call const& call) {
  if (auto ok = check(call); !ok) return fail(ok.error());
  auto args = unpack_args(call);
  if (!args) return fail(args.error());
  auto const& o = call.options;
  signature s;
  s.task = call.task;
  s.args = *std::move(args);
  s.kwargs = call.kwargs;
  s.immutable = call.immutable;
  option_writer options{s};
  if (o.id_) s.set_option("task_id", o.id_->str());
  options.put("queue", o.queue_);
  options.put("exchange", o.exchange_);
  options.put("routing_key", o.routing_key_);
  if (o.delivery_mode_) s.set_option("delivery_mode", static_cast<int>(*o.delivery_mode_));
  options.put("countdown", o.countdown_);
  options.put("eta", o.eta_);
  options.put("expires", o.expires_in_);
  options.put("expires", o.expires_at_);
  options.put_plain("priority", o.priority_);
  options.put_plain("ignore_result", o.ignore_result_);
  options.put("serializer", o.serializer_);
  options.put("compression", o.compression_);
  options.put("time_limit", o.time_limit_);
  options.put("soft_time_limit", o.soft_time_limit_);
  options.put("shadow", o.shadow_);
  options.put("argsrepr", o.argsrepr_);
  options.put("kwargsrepr", o.kwargsrepr_);
  if (!o.headers_.empty()) s.set_option("headers", o.headers_);
  if (auto ok = write_links(o, s); !ok) return fail(ok.error());
  if (auto ok = write_stamps(o, s); !ok) return fail(ok.error());
  return s;
}

expected<wire::embed> embed_of(call_options const& o) {
  wire::embed out;
  auto callbacks = signatures_of(o.links_);
  if (!callbacks) return fail(callbacks.error());
  auto errbacks = signatures_of(o.error_links_);
  if (!errbacks) return fail(errbacks.error());
  out.callbacks = *std::move(callbacks);
  out.errbacks = *std::move(errbacks);
  return out;
}

}  // namespace lovage::detail
