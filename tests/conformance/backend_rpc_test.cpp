#include "backend/rpc/rpc_backend.hpp"
#include "backend_conformance.hpp"
#include "broker/memory/memory_transport.hpp"
#include "core/ids.hpp"

namespace lovage::backend {
namespace {

using namespace std::chrono_literals;

opened_backend open_rpc(std::string const& serializer) {
  auto with = at("rpc://");
  auto const url = "memory://" + random_uuid().str();
  with.transport = [url](deadline until) { return broker::make_memory_transport(broker::at(url), until); };
  with.serializer = serializer;
  with.reply_to = random_uuid().str();
  opened_backend out{make_rpc_backend(with, 5s).value()};
  out.reply_to = with.reply_to;
  return out;
}

INSTANTIATE_TEST_SUITE_P(Rpc, BackendConformance,
                         ::testing::Values(conformance_driver{"json", [](now_fn) { return open_rpc("json"); }},
                                           conformance_driver{"msgpack", [](now_fn) { return open_rpc("msgpack"); }}));

}  // namespace
}  // namespace lovage::backend
