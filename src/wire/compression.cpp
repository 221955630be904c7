// Compressed bodies. Every decoder is a struct with the same `step`, driven by one loop that bounds the output.
#include "wire/serializer.hpp"

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace lovage::wire {

namespace {

/// What a step works on: it moves the pointers over what it has read and written.
struct window {
  char const* in;
  std::size_t in_left;
  char* out;
  std::size_t out_left;
};

enum class status { more, done, bad };

std::uint8_t const* octets(char const* p) noexcept { return reinterpret_cast<std::uint8_t const*>(p); }
std::uint8_t* octets(char* p) noexcept { return reinterpret_cast<std::uint8_t*>(p); }

/// Takes over how much of the window a library says is left.
void advance(window& w, std::size_t in_left, std::size_t out_left) noexcept {
  w.in += w.in_left - in_left;
  w.out += w.out_left - out_left;
  w.in_left = in_left;
  w.out_left = out_left;
}

struct zlib_decoder {
  z_stream stream{};
  bool ready = inflateInit(&stream) == Z_OK;
  zlib_decoder() = default;
  zlib_decoder(zlib_decoder const&) = delete;
  ~zlib_decoder() { inflateEnd(&stream); }

  status step(window& w) noexcept {
    stream.next_in = const_cast<Bytef*>(octets(w.in));
    stream.avail_in = static_cast<uInt>(w.in_left);
    stream.next_out = octets(w.out);
    stream.avail_out = static_cast<uInt>(w.out_left);
    int const rc = inflate(&stream, Z_NO_FLUSH);
    advance(w, stream.avail_in, stream.avail_out);
    if (rc == Z_STREAM_END) return status::done;
    return rc == Z_OK || rc == Z_BUF_ERROR ? status::more : status::bad;
  }
};

struct bzip2_decoder {
  bz_stream stream{};
  bool ready = BZ2_bzDecompressInit(&stream, 0, 0) == BZ_OK;
  bzip2_decoder() = default;
  bzip2_decoder(bzip2_decoder const&) = delete;
  ~bzip2_decoder() { BZ2_bzDecompressEnd(&stream); }

  status step(window& w) noexcept {
    stream.next_in = const_cast<char*>(w.in);
    stream.avail_in = static_cast<unsigned>(w.in_left);
    stream.next_out = w.out;
    stream.avail_out = static_cast<unsigned>(w.out_left);
    int const rc = BZ2_bzDecompress(&stream);
    advance(w, stream.avail_in, stream.avail_out);
    if (rc == BZ_STREAM_END) return status::done;
    return rc == BZ_OK ? status::more : status::bad;
  }
};

struct lzma_decoder {
  /// A stream's header may ask for a dictionary of 4 GiB; xz -9 makes one of 64 MiB.
  static constexpr std::uint64_t memory_limit = std::uint64_t{256} << 20;

  lzma_stream stream = LZMA_STREAM_INIT;
  bool ready = lzma_stream_decoder(&stream, memory_limit, 0) == LZMA_OK;
  lzma_decoder() = default;
  lzma_decoder(lzma_decoder const&) = delete;
  ~lzma_decoder() { lzma_end(&stream); }

  status step(window& w) noexcept {
    stream.next_in = octets(w.in);
    stream.avail_in = w.in_left;
    stream.next_out = octets(w.out);
    stream.avail_out = w.out_left;
    auto const rc = lzma_code(&stream, LZMA_RUN);
    advance(w, stream.avail_in, stream.avail_out);
    if (rc == LZMA_STREAM_END) return status::done;
    return rc == LZMA_OK || rc == LZMA_BUF_ERROR ? status::more : status::bad;
  }
};

struct brotli_decoder {
  BrotliDecoderState* state = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
  bool ready = state != nullptr;
  brotli_decoder() = default;
  brotli_decoder(brotli_decoder const&) = delete;
  ~brotli_decoder() {
    if (state != nullptr) BrotliDecoderDestroyInstance(state);
  }

  status step(window& w) noexcept {
    auto in = octets(w.in);
    auto out = octets(w.out);
    std::size_t in_left = w.in_left, out_left = w.out_left;
    auto const rc = BrotliDecoderDecompressStream(state, &in_left, &in, &out_left, &out, nullptr);
    advance(w, in_left, out_left);
    if (rc == BROTLI_DECODER_RESULT_SUCCESS) return status::done;
    return rc == BROTLI_DECODER_RESULT_ERROR ? status::bad : status::more;
  }
};

struct zstd_decoder {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  bool ready = context != nullptr;
  zstd_decoder() = default;
  zstd_decoder(zstd_decoder const&) = delete;
  ~zstd_decoder() { ZSTD_freeDCtx(context); }

  status step(window& w) noexcept {
    ZSTD_inBuffer in{w.in, w.in_left, 0};
    ZSTD_outBuffer out{w.out, w.out_left, 0};
    auto const rc = ZSTD_decompressStream(context, &out, &in);
    advance(w, w.in_left - in.pos, w.out_left - out.pos);
    if (ZSTD_isError(rc) != 0) return status::bad;
    return rc == 0 ? status::done : status::more;
  }
};

constexpr std::size_t first_room = 4096;
constexpr std::size_t largest_step = std::size_t{1} << 30;  // zlib and bzip2 count in 32 bits

failure bad_input(char const* what, std::size_t at) { return fail(errc::decode, what, "byte " + std::to_string(at)); }

template <class Decoder>
expected<std::string> decode(std::string_view in, std::size_t max_size) {
  Decoder decoder;
  if (!decoder.ready) return fail(errc::internal, "the decoder cannot start");
  std::string out;
  std::size_t used = 0, at = 0;
  for (;;) {
    if (used == out.size()) {
      if (used > max_size)
        return fail(errc::decode, "the uncompressed body exceeds " + std::to_string(max_size) + " bytes");
      // One byte of room beyond the limit tells "just fits" from "goes on".
      auto const most = max_size == SIZE_MAX ? max_size : max_size + 1;
      out.resize(std::min(most, std::max({first_room, in.size() * 2, out.size() * 2})));
    }
    auto const in_left = std::min(in.size() - at, largest_step), out_left = std::min(out.size() - used, largest_step);
    window w{in.data() + at, in_left, out.data() + used, out_left};
    auto const result = decoder.step(w);
    at += in_left - w.in_left;
    used += out_left - w.out_left;
    if (result == status::bad) return bad_input("not compressed the way it claims, or damaged", at);
    if (result == status::done) break;
    if (w.in_left == in_left && w.out_left == out_left) return bad_input("the compressed data ends early", at);
  }
  if (at != in.size()) return bad_input("unexpected bytes after the compressed data", at);
  if (used > max_size)
    return fail(errc::decode, "the uncompressed body exceeds " + std::to_string(max_size) + " bytes");
  out.resize(used);
  return out;
}

expected<std::string> shrink(std::string out, std::size_t used, bool ok) {
  if (!ok) return fail(errc::encode, "the compressor failed");
  out.resize(used);
  return out;
}

expected<std::string> encode_zlib(std::string_view in) {
  auto size = compressBound(in.size());
  std::string out(size, '\0');
  bool const ok = compress2(octets(out.data()), &size, octets(in.data()), in.size(), Z_DEFAULT_COMPRESSION) == Z_OK;
  return shrink(std::move(out), size, ok);
}

expected<std::string> encode_bzip2(std::string_view in) {
  if (in.size() > (std::size_t{4000} << 20)) return fail(errc::encode, "bzip2 takes at most 4000 MiB in one piece");
  auto size = static_cast<unsigned>(in.size() + in.size() / 100 + 600);  // bzip2's own bound
  std::string out(size, '\0');
  bool const ok = BZ2_bzBuffToBuffCompress(out.data(), &size, const_cast<char*>(in.data()),
                                           static_cast<unsigned>(in.size()), 9, 0, 0) == BZ_OK;
  return shrink(std::move(out), size, ok);
}

expected<std::string> encode_lzma(std::string_view in) {
  std::string out(lzma_stream_buffer_bound(in.size()), '\0');
  std::size_t used = 0;
  bool const ok = lzma_easy_buffer_encode(LZMA_PRESET_DEFAULT, LZMA_CHECK_CRC64, nullptr, octets(in.data()), in.size(),
                                          octets(out.data()), &used, out.size()) == LZMA_OK;
  return shrink(std::move(out), used, ok);
}

expected<std::string> encode_brotli(std::string_view in) {
  constexpr int quality = 5;  // 11, Python's default, takes a hundred times as long for a tenth in size
  auto size = BrotliEncoderMaxCompressedSize(in.size());
  std::string out(size, '\0');
  bool const ok = BrotliEncoderCompress(quality, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, in.size(),
                                        octets(in.data()), &size, octets(out.data())) == BROTLI_TRUE;
  return shrink(std::move(out), size, ok);
}

expected<std::string> encode_zstd(std::string_view in) {
  // In one piece, so that the frame tells its size: Python's zstandard refuses a frame that does not.
  std::string out(ZSTD_compressBound(in.size()), '\0');
  auto const used = ZSTD_compress(out.data(), out.size(), in.data(), in.size(), ZSTD_CLEVEL_DEFAULT);
  return shrink(std::move(out), used, ZSTD_isError(used) == 0);
}

struct compression {
  char const* name;
  char const* alias;
  char const* label;
  expected<std::string> (*encode)(std::string_view);
  expected<std::string> (*decode)(std::string_view, std::size_t);
};

constexpr std::array compressions{
    compression{"zlib", "gzip", "application/x-gzip", encode_zlib, decode<zlib_decoder>},
    compression{"bzip2", "bzip", "application/x-bz2", encode_bzip2, decode<bzip2_decoder>},
    compression{"lzma", "xz", "application/x-lzma", encode_lzma, decode<lzma_decoder>},
    compression{"brotli", "brotli", "application/x-brotli", encode_brotli, decode<brotli_decoder>},
    compression{"zstd", "zstandard", "application/zstd", encode_zstd, decode<zstd_decoder>},
};

compression const* find_compression(std::string_view method) noexcept {
  for (auto const& c : compressions)
    if (method == c.name || method == c.alias || method == c.label) return &c;
  return nullptr;
}

failure unknown(errc code, std::string_view method) {
  return fail(code, "unknown compression \"" + std::string{method} + "\"; known: zlib, bzip2, lzma, brotli, zstd");
}

expected<std::string> name_method(compression const& c, expected<std::string> result) {
  if (result) return result;
  auto info = result.error();
  info.detail = std::string{c.name} + ": " + info.detail;
  return fail(std::move(info));
}

bool is_gzip(std::string_view data) noexcept { return data.starts_with("\x1f\x8b"); }

}  // namespace

expected<std::string> compress(std::string_view method, std::string_view data) {
  auto const* c = find_compression(method);
  if (c == nullptr) return unknown(errc::encode, method);
  return name_method(*c, c->encode(data));
}

expected<std::string> decompress(std::string_view method, std::string_view data, std::size_t max_size) {
  auto const* c = find_compression(method);
  if (c == nullptr) return unknown(errc::decode, method);
  if (c->encode == encode_zlib && is_gzip(data))
    return fail(errc::decode, "zlib: a gzip file; Celery's application/x-gzip is a zlib stream (RFC 1950)", "byte 0");
  return name_method(*c, c->decode(data, max_size));
}

std::string_view compression_label(std::string_view method) noexcept {
  auto const* c = find_compression(method);
  return c == nullptr ? std::string_view{} : c->label;
}

}  // namespace lovage::wire
