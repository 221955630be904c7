// Reading files: bytes, text and digests. What goes wrong is an exception whose text names the file.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace textstats {

/// A gzip file that is cut short or damaged.
struct bad_gzip : std::runtime_error {
  using runtime_error::runtime_error;
};

using chunk_reader = std::function<void(std::string_view)>;

/// Size in bytes. Throws std::system_error; a pipe, device or directory is one too: reading it might never end.
std::uint64_t size_of_regular_file(std::string const& path);

/// Hands over the bytes of a file piece by piece, unpacked when it is gzipped. Returns true when it is.
/// Throws std::system_error or bad_gzip.
bool read_content(std::string const& path, chunk_reader const& take);

/// SHA-256 as lower-case hexadecimal text, of a file's own bytes and of a text.
std::string sha256_of_file(std::string const& path);
std::string sha256_of_text(std::string_view text);

}  // namespace textstats
