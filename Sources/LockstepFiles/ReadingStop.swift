import LockstepPlatform

/// A request to give up the reading of files, which may take minutes: readers look at it often.
package struct ReadingStop: Sendable {
  // The value is a structure: a task-local function crashes in a release build (Swift 6.3).
  private static let current = TaskLocal<ReadingStop>(wrappedValue: ReadingStop { false })

  private let isAsked: @Sendable () -> Bool

  private init(_ isAsked: @escaping @Sendable () -> Bool) { self.isAsked = isAsked }

  /// Runs `body`, whose reading of files ends with an error once `isAsked` says so.
  package static func heeding<Value>(
    _ isAsked: @escaping @Sendable () -> Bool, _ body: () throws -> Value
  ) rethrows -> Value {
    try current.withValue(ReadingStop(isAsked), operation: body)
  }

  /// Throws where reading is to be given up.
  package static func check(_ path: String) throws(FileError) {
    guard current.get().isAsked() else { return }
    throw FileError(
      path: path, kind: .system(call: "read", code: EINTR),
      reason: "was not read to its end: the program was asked to stop")
  }
}
