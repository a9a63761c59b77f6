import LockstepObservation
import LockstepFiles

/// One rank's rows in the trace event format of Chrome, which Perfetto reads: a process a rank, a
/// thread a thread.
///
/// Source: "Trace Event Format", Chromium.
enum TraceEvents {
  /// The events of all spans that begin at `start` or later, separated by commas.
  ///
  /// - Parameters:
  ///   - flights: messages, which may overlap, so that they are asynchronous events.
  ///   - origin: the moment that is 0 in the trace, by this rank's clock.
  static func rows(
    _ timeline: Timeline, _ flights: [Span], rank: Int, from start: UInt64, origin: UInt64
  ) -> [UInt8] {
    var text = TraceText()
    text.metadata("process_name", rank: rank, thread: nil, "name", .string("rank \(rank)"))
    text.metadata("process_sort_index", rank: rank, thread: nil, "sort_index", .integer(rank))
    let tracks = timeline.threads + (timeline.input.total > 0 ? [timeline.input] : [])
    for (thread, track) in tracks.enumerated() {
      text.metadata("thread_name", rank: rank, thread: thread, "name", .string(track.name))
      text.metadata(
        "thread_sort_index", rank: rank, thread: thread, "sort_index", .integer(thread))
      let labels = track.labels.map { Array(JSONValue.string($0).compactText.utf8) }
      for span in track.spans where span.start >= start {
        text.event(span, rank: rank, thread: thread, origin: origin, labels)
      }
    }
    for (number, flight) in flights.enumerated() {
      text.asynchronous(flight, number, rank: rank, origin: origin)
    }
    return text.bytes
  }
}

/// JSON of events, built from bytes: a trace has many of them.
private struct TraceText {
  private(set) var bytes: [UInt8] = []
  private let names = Activity.allCases.map { Array("\"\($0.name)\"".utf8) }

  mutating func metadata(
    _ kind: String, rank: Int, thread: Int?, _ key: String, _ value: JSONValue
  ) {
    var object: JSONObject = [
      "name": .string(kind), "ph": "M", "pid": .integer(rank), "args": .object([key: value]),
    ]
    if let thread { object["tid"] = .integer(thread) }
    if !bytes.isEmpty { put(",\n") }
    put(JSONValue.object(object).compactText)
  }

  mutating func event(
    _ span: Span, rank: Int, thread: Int, origin: UInt64, _ labels: [[UInt8]]
  ) {
    put(",\n{\"name\":")
    let isOperation = span.activity == .operation
    bytes += isOperation ? labels[Int(span.detail)] : names[Int(span.activity.rawValue)]
    put(span.activity.isWaiting ? ",\"cat\":\"wait\"" : ",\"cat\":\"work\"")
    put(",\"ph\":\"X\",\"pid\":")
    put(rank)
    put(",\"tid\":")
    put(thread)
    put(",\"ts\":")
    put(time: span.start, origin: origin)
    put(",\"dur\":")
    put(microseconds: span.end - span.start)
    put(",\"args\":{")
    if span.step > 0 {
      put("\"step\":")
      put(Int(span.step))
    }
    if span.detail >= 0, !isOperation {
      put(span.step > 0 ? ",\"shard\":" : "\"shard\":")
      put(Int(span.detail))
    }
    put("}}")
  }

  /// A message: its begin and its end, which its number joins.
  mutating func asynchronous(_ span: Span, _ number: Int, rank: Int, origin: UInt64) {
    for isEnd in [false, true] {
      put(",\n{\"name\":")
      bytes += names[Int(span.activity.rawValue)]
      put(",\"cat\":\"message\",\"ph\":")
      put(isEnd ? "\"e\"" : "\"b\"")
      put(",\"id2\":{\"local\":\"")
      put(number)
      put("\"},\"pid\":")
      put(rank)
      put(",\"tid\":0,\"ts\":")
      put(time: isEnd ? span.end : span.start, origin: origin)
      put(",\"args\":{\"step\":")
      put(Int(span.step))
      put(",\"bucket\":")
      put(Int(span.detail))
      put("}}")
    }
  }

  private mutating func put(_ text: StaticString) {
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private mutating func put(_ text: String) { bytes += text.utf8 }

  private mutating func put(_ number: Int) { bytes += "\(number)".utf8 }

  /// A moment by the trace's clock; one of another thread may lie before the first thread's first step.
  private mutating func put(time: UInt64, origin: UInt64) {
    if time < origin { put("-") }
    put(microseconds: time < origin ? origin - time : time - origin)
  }

  /// Nanoseconds as microseconds with three decimals.
  private mutating func put(microseconds nanoseconds: UInt64) {
    put(Int(nanoseconds / 1000))
    bytes.append(UInt8(ascii: "."))
    let rest = UInt8(ascii: "0")
    bytes.append(rest + UInt8(nanoseconds / 100 % 10))
    bytes.append(rest + UInt8(nanoseconds / 10 % 10))
    bytes.append(rest + UInt8(nanoseconds % 10))
  }
}
