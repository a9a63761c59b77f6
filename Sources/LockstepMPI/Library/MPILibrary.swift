internal import CMPI
internal import Synchronization
import LockstepPlatform

/// The MPI library of this process: its state, its versions, its clock.
///
/// MPI exists once in a process, so these are static. Source: MPI 3.1, chapter 8.
public enum MPILibrary {
  /// Whether MPI was initialised, by whomever; stays true after it was finalized.
  public static var isInitialized: Bool {
    var flag: Int32 = 0
    return MPI_Initialized(&flag) == lockstep_mpi_success() && flag != 0
  }

  /// Whether MPI was finalized; no communication is possible any more.
  public static var isFinalized: Bool {
    var flag: Int32 = 0
    return MPI_Finalized(&flag) == lockstep_mpi_success() && flag != 0
  }

  /// Whether calls are possible now.
  public static var isReady: Bool { isInitialized && !isFinalized }

  /// The version of the MPI standard that the library implements, such as 3.1.
  package static var standardVersion: (major: Int, minor: Int) {
    var major: Int32 = 0
    var minor: Int32 = 0
    MPI_Get_version(&major, &minor)
    return (Int(major), Int(minor))
  }

  /// Whether the library has persistent collectives that work, which came with MPI 4; see
  /// ``MPIPersistentMessages/addAllreduce(_:into:_:owner:)``.
  public static var hasPersistentCollectives: Bool {
    lockstep_mpi_has_persistent_collectives() != 0
  }

  /// The library's own name and version, such as `Open MPI v4.1.4, package: …`.
  public static var version: String {
    mpiString(capacity: lockstep_mpi_max_library_version()) { MPI_Get_library_version($0, $1) }
      ?? "unknown"
  }

  /// The library's name and number in a few words: `Open MPI v4.1.4`, `MPICH 5.0.2`.
  package static var name: String { name(inVersion: version) }

  /// What names the library in the text of its version: MPICH's has many lines, and Open MPI's many parts.
  package static func name(inVersion text: String) -> String {
    let start = text.prefix { $0 != "," && $0 != "\n" }
    let words = start.split { $0 == " " || $0 == "\t" }
    return words.filter { $0 != "Version:" }.joined(separator: " ")
  }

  /// The name of the processor, on Linux the host's name. The library must be ready.
  public static func processorName() throws(MPIError) -> String {
    try requireReady("MPI_Get_processor_name")
    return mpiString(capacity: lockstep_mpi_max_processor_name()) {
      MPI_Get_processor_name($0, $1)
    } ?? "unknown"
  }

  /// Seconds since some moment in the past that does not change while the process lives.
  public static func wallTime() throws(MPIError) -> Double {
    try requireReady("MPI_Wtime")
    return MPI_Wtime()
  }

  /// The resolution of ``wallTime()`` in seconds.
  package static func wallTimeResolution() throws(MPIError) -> Double {
    try requireReady("MPI_Wtick")
    return MPI_Wtick()
  }

  /// The thread level that the library provides.
  package static func threadLevel() throws(MPIError) -> MPIThreadLevel {
    try requireReady("MPI_Query_thread")
    var level: Int32 = 0
    try check("MPI_Query_thread", MPI_Query_thread(&level))
    return MPIThreadLevel(level)
  }

  /// Whether the calling thread is the one that initialised MPI.
  package static func isMainThread() throws(MPIError) -> Bool {
    try requireReady("MPI_Is_thread_main")
    var flag: Int32 = 0
    try check("MPI_Is_thread_main", MPI_Is_thread_main(&flag))
    return flag != 0
  }

  /// The largest tag of a message, at least 32,767.
  package static func largestTag() throws(MPIError) -> Int {
    try requireReady("MPI_Comm_get_attr")
    return Int(lockstep_mpi_largest_tag())
  }

  /// Throws unless calls are possible: MPI would end the process instead.
  ///
  /// Under ``MPIThreadLevel/single`` and ``MPIThreadLevel/funneled`` the one thread that may call is the
  /// one that made the session.
  static func requireReady(_ call: String) throws(MPIError) {
    if isReady {
      let owner = sessionThread.load(ordering: .relaxed)
      guard owner == 0 || owner == UInt(pthread_self()) else {
        throw MPIError(
          kind: .state, call: call,
          message: """
            called from another thread than the one that made the session: ask for the thread level \
            'serialized' or 'multiple'
            """, rank: WorldRank.known)
      }
      return
    }
    let message =
      isFinalized
      ? "MPI is finalized: no call is possible any more"
      : "MPI is not initialised: make an MPISession first"
    throw MPIError(kind: .state, call: call, message: message, rank: WorldRank.known)
  }

  /// Lets this thread alone call from now on.
  static func bindToThread() { sessionThread.store(UInt(pthread_self()), ordering: .relaxed) }

  /// The one thread that may call; 0 where any may.
  private static let sessionThread = Atomic<UInt>(0)
}
