#include "pool/prefork/stop_page.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <new>

namespace lovage::pool {

stop_page::stop_page(stop_page&& other) noexcept
    : fd_{std::move(other.fd_)}, at_{std::exchange(other.at_, nullptr)}, cells_{std::exchange(other.cells_, 0)} {}

stop_page& stop_page::operator=(stop_page&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(at_, other.at_);
  std::swap(cells_, other.cells_);
  return *this;
}

stop_page::~stop_page() {
  if (at_ != nullptr) ::munmap(at_, cells_ * sizeof(cell));
}

expected<stop_page> stop_page::map(io::descriptor fd, std::size_t cells) {
  auto* const at = ::mmap(nullptr, cells * sizeof(cell), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (at == MAP_FAILED) return fail(errc::internal, std::string{"cannot map the stop flags: "} + std::strerror(errno));
  stop_page out;
  out.fd_ = std::move(fd);
  out.at_ = static_cast<cell*>(at);
  out.cells_ = cells;
  return out;
}

expected<stop_page> stop_page::create(std::size_t cells) {
  io::descriptor fd{::memfd_create("lovage-stop", MFD_CLOEXEC)};
  if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(cells * sizeof(cell))) != 0) {
    return fail(errc::internal, std::string{"cannot make the stop flags: "} + std::strerror(errno));
  }
  return map(std::move(fd), cells);  // zero bytes are cells at rest
}

expected<stop_page> stop_page::open(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return fail(errc::internal, "the stop flags were not passed on");
  return map(io::descriptor{fd}, static_cast<std::size_t>(info.st_size) / sizeof(cell));
}

}  // namespace lovage::pool
