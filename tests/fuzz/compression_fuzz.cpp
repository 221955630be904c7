// The first byte chooses the method. The rest is decompressed as it is, and compressed and decompressed.
#include "fuzz.hpp"
#include "wire/serializer.hpp"

using namespace lovage;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static constexpr char const* methods[] = {"zlib", "bzip2", "lzma", "brotli", "zstd"};
  static constexpr std::size_t most = 1 << 20;
  if (size == 0) return 0;
  auto const* method = methods[data[0] % std::size(methods)];
  auto const input = fuzz::text(data + 1, size - 1);
  if (auto const out = wire::decompress(method, input, most)) {
    fuzz::demand(out->size() <= most, "the output keeps its limit");
    auto const exact = wire::decompress(method, input, out->size());
    fuzz::demand(exact.has_value() && *exact == *out, "a limit of just its size suffices");
    fuzz::demand(out->empty() || !wire::decompress(method, input, out->size() - 1), "one byte less does not");
    fuzz::demand(!wire::decompress(method, std::string{input} + 'x', most), "trailing bytes are refused");
  }
  auto const packed = wire::compress(method, input);
  fuzz::demand(packed.has_value(), "anything can be compressed");
  auto const back = wire::decompress(method, *packed);
  fuzz::demand(back.has_value() && *back == input, "what was compressed comes back");
  return 0;
}
