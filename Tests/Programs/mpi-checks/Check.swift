import LockstepMPI

/// A law that all ranks verify together.
struct Check {
  let name: String
  let body: (MPICommunicator, Report) throws -> Void

  init(_ name: String, _ body: @escaping (MPICommunicator, Report) throws -> Void) {
    self.name = name
    self.body = body
  }

  /// Runs the check; true when it holds on every rank. Rank 0 prints one line.
  func run(on world: MPICommunicator) throws -> Bool {
    let report = Report()
    try body(world, report)
    let failures = try world.allgatherArrays(Array(report.failures.joined(separator: "; ").utf8))
    let bad = failures.firstIndex { !$0.isEmpty }
    if world.rank == 0 {
      if let bad {
        print("FAIL \(name): rank \(bad): \(String(decoding: failures[bad], as: UTF8.self))")
      } else {
        print("ok \(name)")
      }
    }
    return bad == nil
  }
}

/// What a check found on this rank.
final class Report {
  private(set) var failures: [String] = []

  func expect(_ condition: Bool, _ what: @autoclosure () -> String) {
    if !condition, failures.count < 3 { failures.append(what()) }
  }

  func expectEqual<Value: Equatable>(
    _ found: Value, _ expected: Value, _ what: @autoclosure () -> String
  ) {
    expect(found == expected, "\(what()): \(found), expected \(expected)")
  }

  /// Expects an MPIError whose description contains every one of the words.
  func expectError(_ words: String..., body: () throws -> Void) {
    do {
      try body()
      expect(false, "no error with \(words)")
    } catch let error as MPIError {
      for word in words {
        expect(error.description.contains(word), "'\(error)' lacks '\(word)'")
      }
    } catch {
      expect(false, "another error: \(error)")
    }
  }
}

/// A number type under test; small whole numbers convert exactly.
protocol CheckNumber: MPINumber, Equatable {
  init(small: Int)
  var small: Int { get }
}

extension CheckNumber where Self: BinaryInteger {
  init(small: Int) { self.init(small) }
  var small: Int { Int(self) }
}
extension CheckNumber where Self: BinaryFloatingPoint {
  init(small: Int) { self.init(small) }
  var small: Int { Int(self) }
}
extension Int8: CheckNumber {}
extension Int16: CheckNumber {}
extension Int32: CheckNumber {}
extension Int64: CheckNumber {}
extension UInt8: CheckNumber {}
extension UInt16: CheckNumber {}
extension UInt32: CheckNumber {}
extension UInt64: CheckNumber {}
extension Int: CheckNumber {}
extension UInt: CheckNumber {}
extension Float: CheckNumber {}
extension Double: CheckNumber {}
extension MPIBFloat16: CheckNumber {
  init(small: Int) { self.init(Float(small)) }
  var small: Int { Int(float) }
}

/// What rank r holds at index i: small, different on every rank, never 0.
func sample(_ rank: Int, _ index: Int) -> Int { (3 * rank + 2 * index) % 7 + 1 }

func samples<T: CheckNumber>(_: T.Type, _ rank: Int, _ range: Range<Int>) -> [T] {
  range.map { T(small: sample(rank, $0)) }
}

extension Array where Element: CheckNumber {
  var small: [Int] { map(\.small) }
}

/// Calls `body` with a buffer that holds a copy of the array; the array afterwards.
func withBuffer<T>(_ array: [T], _ body: (UnsafeMutableBufferPointer<T>) throws -> Void) throws
  -> [T]
{
  var result = array
  try result.withUnsafeMutableBufferPointer { try body($0) }
  return result
}
