#include "backend/memory/memory_backend.hpp"
#include "backend_conformance.hpp"
#include "core/ids.hpp"

namespace lovage::backend {
namespace {

using namespace std::chrono_literals;

INSTANTIATE_TEST_SUITE_P(
    Memory, BackendConformance,
    ::testing::Values(conformance_driver{
        "memory", [](now_fn now) {
          return make_memory_backend(at("memory://" + random_uuid().str(), std::move(now)), 5s).value();
        }}));

}  // namespace
}  // namespace lovage::backend
