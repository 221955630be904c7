#include "content.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include <openssl/evp.h>
#include <zlib.h>

namespace textstats {
namespace {

constexpr std::size_t chunk_size = 64 * 1024;
using chunk = std::array<char, chunk_size>;

[[noreturn]] void fail_with_errno(std::string const& path) {
  throw std::system_error{errno, std::generic_category(), path};
}

class open_file {
 public:
  explicit open_file(std::string const& path) : fd_{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)} {
    if (fd_ < 0) fail_with_errno(path);
  }
  ~open_file() {
    if (fd_ >= 0) ::close(fd_);
  }
  open_file(open_file const&) = delete;
  open_file& operator=(open_file const&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

class sha256 {
 public:
  sha256() {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
      throw std::runtime_error{"OpenSSL has no SHA-256"};
  }
  void add(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  [[nodiscard]] std::string text() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    EVP_DigestFinal_ex(context_.get(), out.data(), &size);
    static constexpr char digits[] = "0123456789abcdef";
    std::string hex;
    for (unsigned i = 0; i < size; ++i) {
      hex += digits[out[i] >> 4];
      hex += digits[out[i] & 15];
    }
    return hex;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

}  // namespace

std::uint64_t size_of_regular_file(std::string const& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) fail_with_errno(path);
  if (S_ISDIR(about.st_mode)) throw std::system_error{EISDIR, std::generic_category(), path};
  if (!S_ISREG(about.st_mode)) throw std::system_error{EINVAL, std::generic_category(), path + ": no regular file"};
  return static_cast<std::uint64_t>(about.st_size);
}

bool read_content(std::string const& path, chunk_reader const& take) {
  open_file file{path};
  std::unique_ptr<gzFile_s, decltype(&gzclose)> in{gzdopen(file.get(), "rb"), &gzclose};
  if (!in) throw std::bad_alloc{};
  (void)file.release();  // gzclose closes it
  chunk buffer;
  for (;;) {
    int const n = gzread(in.get(), buffer.data(), buffer.size());
    if (n > 0) take({buffer.data(), static_cast<std::size_t>(n)});
    int code = Z_OK;
    std::string_view text = gzerror(in.get(), &code);  // "<fd:7>: why"
    if (auto const at = text.find(": "); at != text.npos) text.remove_prefix(at + 2);
    if (code == Z_ERRNO) fail_with_errno(path);
    if (code != Z_OK && code != Z_STREAM_END) throw bad_gzip{path + ": damaged gzip: " + std::string{text}};
    if (n <= 0) break;
  }
  return gzdirect(in.get()) == 0;
}

std::string sha256_of_file(std::string const& path) {
  open_file const file{path};
  sha256 sum;
  chunk buffer;
  for (;;) {
    auto const n = ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_with_errno(path);
    if (n == 0) return sum.text();
    sum.add({buffer.data(), static_cast<std::size_t>(n)});
  }
}

std::string sha256_of_text(std::string_view text) {
  sha256 sum;
  sum.add(text);
  return sum.text();
}

}  // namespace textstats
