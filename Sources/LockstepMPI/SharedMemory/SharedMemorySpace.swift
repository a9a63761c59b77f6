internal import CMPI
import LockstepPlatform

/// The file system that shared windows lie in.
///
/// Memory there is promised lazily: a window that does not fit makes one rank fail while another
/// waits for ever, or ends a rank with SIGBUS at the first touch. So space is looked up before.
package enum SharedMemorySpace {
  /// The directory: `/dev/shm`, unless Open MPI was told another.
  package static var directory: String {
    getenv("OMPI_MCA_osc_sm_backing_directory").map { String(cString: $0) } ?? "/dev/shm"
  }

  /// The bytes that are free there, or nil where it cannot be asked.
  package static func freeBytes() -> Int? {
    var status = statvfs()
    guard statvfs(directory, &status) == 0 else { return nil }
    return Int(status.f_bavail) * Int(status.f_frsize)
  }

  /// The bytes of a page.
  static var pageSize: Int { sysconf(Int32(_SC_PAGESIZE)) }
}
