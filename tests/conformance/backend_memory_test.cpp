#include "backend/memory/memory_backend.hpp"
#include "backend_conformance.hpp"
#include "core/ids.hpp"

namespace lovage::backend {
namespace {

using namespace std::chrono_literals;

auto const memory_drivers = ::testing::Values(conformance_driver{
    "memory",
    [](now_fn now) { return make_memory_backend(at("memory://" + random_uuid().str(), std::move(now)), 5s).value(); }});
INSTANTIATE_TEST_SUITE_P(Memory, BackendConformance, memory_drivers);
INSTANTIATE_TEST_SUITE_P(Memory, BackendChords, memory_drivers);
INSTANTIATE_TEST_SUITE_P(Memory, BackendRuns, memory_drivers);

}  // namespace
}  // namespace lovage::backend
