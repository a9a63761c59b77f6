#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
import LockstepFiles
import Synchronization

/// A file system in memory that records the calls of a writer, lets one of them fail, and tells what
/// a power failure may leave after any prefix of them.
///
/// The model: what was written to a file since its last fsync may be there, missing, there in part,
/// or zeros; changes of names since the last fsync of their directory are there up to any point.
public final class RecordingFileSystem: FileSystem {
  /// A recorded call.
  public enum Call: Sendable, Equatable {
    case create(path: String, file: Int)
    case write(file: Int, bytes: [UInt8])
    case synchronize(file: Int)
    case close(file: Int)
    case rename(path: String, newPath: String)
    case synchronizeDirectory(path: String)
    case remove(path: String)
    case createDirectory(path: String)
  }

  /// Which calls a careless system leaves out.
  public enum Carelessness: Sendable {
    case none, forgetsFiles, forgetsDirectories
  }

  private struct State {
    var calls: [Call] = []
    var attempts = 0
    var files: [String: Int] = [:]
    var nextFile = 3
  }

  private let state = Mutex(State())
  private let initial: [String: [UInt8]]
  private let failingCall: Int?
  private let carelessness: Carelessness

  /// - Parameters:
  ///   - initial: files that are there, durably.
  ///   - failingCall: the number of the call, from 0, that fails as on a full disk.
  public init(
    initial: [String: [UInt8]], failingCall: Int? = nil, carelessness: Carelessness = .none
  ) {
    self.initial = initial
    self.failingCall = failingCall
    self.carelessness = carelessness
    state.withLock { state in
      for (index, path) in initial.keys.sorted().enumerated() { state.files[path] = -1 - index }
    }
  }

  /// The calls so far.
  public var calls: [Call] { state.withLock { $0.calls } }

  // MARK: - FileSystem

  /// Counts a call and lets it fail where it is the one to fail.
  private func attempt<Result: Sendable>(
    _ path: String, _ body: (inout sending State) -> Result?
  ) throws(FileError) -> Result {
    let result = state.withLock { state -> Result? in
      defer { state.attempts += 1 }
      return state.attempts == failingCall ? nil : body(&state)
    }
    guard let result else {
      throw FileError(
        path: path, kind: .system(call: "test", code: ENOSPC), reason: "No space left on device")
    }
    return result
  }

  public func create(_ path: String) throws(FileError) -> Int32 {
    try attempt(path) { state in
      guard state.files[path] == nil else { return nil }
      let file = state.nextFile
      state.nextFile += 1
      state.files[path] = file
      state.calls.append(.create(path: path, file: file))
      return Int32(file)
    }
  }

  public func write(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String
  ) throws(FileError) {
    let copy = Array(bytes)
    try attempt(path) { $0.calls.append(.write(file: Int(descriptor), bytes: copy)) }
  }

  public func synchronize(_ descriptor: Int32, path: String) throws(FileError) {
    let forgets = carelessness == .forgetsFiles
    try attempt(path) { if !forgets { $0.calls.append(.synchronize(file: Int(descriptor))) } }
  }

  public func close(_ descriptor: Int32, path: String) throws(FileError) {
    try attempt(path) { $0.calls.append(.close(file: Int(descriptor))) }
  }

  public func rename(_ path: String, to newPath: String) throws(FileError) {
    try attempt(path) { state in
      guard let file = state.files.removeValue(forKey: path) else { return nil as Void? }
      state.files[newPath] = file
      state.calls.append(.rename(path: path, newPath: newPath))
      return ()
    }
  }

  public func synchronizeDirectory(_ path: String) throws(FileError) {
    let forgets = carelessness == .forgetsDirectories
    try attempt(path) { if !forgets { $0.calls.append(.synchronizeDirectory(path: path)) } }
  }

  public func remove(_ path: String) throws(FileError) {
    try attempt(path) { state in
      state.files[path] = nil
      state.calls.append(.remove(path: path))
    }
  }

  public func createDirectory(_ path: String) throws(FileError) {
    try attempt(path) { $0.calls.append(.createDirectory(path: path)) }
  }

  public func list(_ directory: String) throws(FileError) -> [String] {
    try attempt(directory) { state in
      state.files.keys.filter { $0.hasPrefix(directory + "/") }
        .map { String($0.dropFirst(directory.count + 1)) }.sorted()
    }
  }

  /// The files as the running system sees them now.
  public var visibleFiles: [String] { state.withLock { $0.files.keys.sorted() } }

  // MARK: - Failures

  /// What the death of the writing process leaves after the first `prefix` calls: all that it did.
  public func visibleWorld(after prefix: Int) -> [String: [UInt8]] {
    // The last of the worlds' names is with every change, and its second damage is none.
    let worlds = worlds(after: prefix)
    return worlds[worlds.count - 3]
  }

  /// All that a power failure may leave after the first `prefix` calls: path → content.
  public func worlds(after prefix: Int) -> [[String: [UInt8]]] {
    var written: [Int: [UInt8]] = [:]
    var durable: [Int: [UInt8]] = [:]
    var names: [String: Int] = [:]
    for (index, path) in initial.keys.sorted().enumerated() {
      names[path] = -1 - index
      durable[-1 - index] = initial[path]
      written[-1 - index] = initial[path]
    }
    /// Changes of names that are not durable yet, in order.
    var pending: [Call] = []
    func apply(_ call: Call, to names: inout [String: Int]) {
      switch call {
      case .create(let path, let file): names[path] = file
      case .rename(let path, let newPath): names[newPath] = names.removeValue(forKey: path)
      case .remove(let path): names[path] = nil
      default: break
      }
    }
    for call in calls.prefix(prefix) {
      switch call {
      case .create(_, let file):
        written[file] = []
        durable[file] = []
        pending.append(call)
      case .rename, .remove: pending.append(call)
      case .write(let file, let bytes): written[file, default: []] += bytes
      case .synchronize(let file): durable[file] = written[file]
      case .synchronizeDirectory:
        // All tests' files lie in one directory.
        for change in pending { apply(change, to: &names) }
        pending = []
      case .close, .createDirectory: break
      }
    }
    var worlds: [[String: [UInt8]]] = []
    for kept in 0...pending.count {
      var names = names
      for change in pending.prefix(kept) { apply(change, to: &names) }
      for damage in 0..<4 {
        worlds.append(
          names.mapValues { file in
            let safe = durable[file] ?? []
            let all = written[file] ?? []
            switch damage {
            case 0: return safe
            case 1: return all
            case 2: return safe + all.dropFirst(safe.count).prefix((all.count - safe.count) / 2)
            default: return safe + [UInt8](repeating: 0, count: all.count - safe.count)
            }
          })
      }
    }
    return worlds
  }
}
