import Lockstep
import LockstepFiles
import LockstepReports

/// How examples look to people, as far as a report can show it.
struct ExampleLooks {
  let examples: any ExampleSource
  let description: DataDescription

  /// The most pixels along one side of a picture; of a larger one every so-many-th is shown.
  private static let mostPixels = 128
  /// The most cells of a table's row.
  private static let mostCells = 16
  /// The most characters of a text.
  private static let mostCharacters = 400
  /// The most values of a signal.
  private static let mostValues = 200

  /// What an example looks like; nothing where its values cannot be read, or mean nothing to people.
  func look(at example: Int) -> EvaluationRecord.Look {
    guard let field = examples.firstInput else { return .nothing }
    switch description.input {
    case .columns(let table):
      guard let values = floats(field, example, count: field.size) else { return .nothing }
      let cells = table.cells(of: values)
      return .cells(
        cells.prefix(Self.mostCells).map { ($0.name.shortened(to: 60), $0.value.shortened(to: 60)) }
      )
    case .array:
      guard let values = floats(field, example, count: field.size) else { return .nothing }
      switch field.shape.count {
      case 3 where field.shape[0] == 1 || field.shape[0] == 3:
        return picture(values, channels: field.shape[0], field.shape[1], field.shape[2], field)
      case 2 where field.shape[0] <= 8:
        return signals(values, count: field.shape[0], length: field.shape[1], isInterleaved: false)
      case 2: return picture(values, channels: 1, field.shape[0], field.shape[1], field)
      case 1: return signals(values, count: 1, length: field.shape[0], isInterleaved: false)
      default: return .nothing
      }
    case .series(let series):
      guard let count = length(example), let width = series.shape.last,
        let values = floats(field, example, count: count * width)
      else { return .nothing }
      return signals(values, count: width, length: count, isInterleaved: true)
    case .texts(let texts): return text(texts.vocabulary, field, example)
    case .tokens: return .nothing
    }
  }

  // MARK: Values

  /// The number of an example's steps.
  private func length(_ example: Int) -> Int? {
    (examples as? SequenceDataset)?.length(of: example) ?? examples.firstInput?.shape.first
  }

  /// The examples as long as one of them asks for.
  private func padded(for example: Int) -> any ExampleSource {
    guard let sequences = examples as? SequenceDataset else { return examples }
    return sequences.padded(toBucket: sequences.bucket(of: example))
  }

  private func floats(_ field: ExampleField, _ example: Int, count: Int) -> [Float]? {
    guard !field.isInteger else { return nil }
    let source = padded(for: example)
    var values = [Float](repeating: 0, count: source.firstInput?.size ?? field.size)
    do {
      var span = values.mutableSpan
      try source.load(source.firstInput ?? field, of: [example], into: &span)
    } catch {
      return nil
    }
    return Array(values.prefix(count))
  }

  private func text(
    _ vocabulary: TextVocabulary, _ field: ExampleField, _ example: Int
  ) -> EvaluationRecord.Look {
    let source = padded(for: example)
    guard let field = source.firstInput, field.isInteger, let count = length(example) else {
      return .nothing
    }
    var tokens = [Int32](repeating: 0, count: field.size)
    do {
      var span = tokens.mutableSpan
      try source.load(field, of: [example], into: &span)
    } catch {
      return .nothing
    }
    let entries = tokens.prefix(count).map { token in
      let place = Int(token) - TextVocabulary.reserved
      return vocabulary.entries.indices.contains(place) ? vocabulary.entries[place] : "[?]"
    }
    let text = entries.joined(separator: vocabulary.unit == .words ? " " : "")
    return .text(text.shortened(to: Self.mostCharacters))
  }

  // MARK: Pictures and signals

  private func picture(
    _ values: [Float], channels: Int, _ height: Int, _ width: Int, _ field: ExampleField
  ) -> EvaluationRecord.Look {
    let every = (max(width, height) - 1) / Self.mostPixels + 1
    let rows = Array(stride(from: 0, to: height, by: every))
    let columns = Array(stride(from: 0, to: width, by: every))
    let ranges = (0..<channels).map { range(of: values, channel: $0, channels, field) }
    var pixels: [UInt8] = []
    pixels.reserveCapacity(rows.count * columns.count * channels)
    for row in rows {
      for column in columns {
        for channel in 0..<channels {
          let value = values[(channel * height + row) * width + column]
          let (low, high) = ranges[channel]
          let part = (value - low) / (high - low)
          pixels.append(part.isFinite ? UInt8(min(max(255 * part, 0), 255).rounded()) : 0)
        }
      }
    }
    return .picture(
      Base64.text(
        PNGWriter.bytes(
          pixels, width: columns.count, height: rows.count, color: channels == 1 ? .grey : .rgb)))
  }

  /// Black and white: as the data says, or else the least and the largest value of the picture.
  private func range(
    of values: [Float], channel: Int, _ channels: Int, _ field: ExampleField
  ) -> (low: Float, high: Float) {
    func known(_ list: [Float]) -> Float? {
      list.count == 1 ? list[0] : list.indices.contains(channel) ? list[channel] : nil
    }
    if let white = field.white.flatMap(known), let black = known(field.blank), white != black {
      return (black, white)
    }
    let finite = values.filter(\.isFinite)
    return (finite.min() ?? 0, finite.max() ?? 1)
  }

  private func signals(
    _ values: [Float], count: Int, length: Int, isInterleaved: Bool
  ) -> EvaluationRecord.Look {
    guard count > 0, length > 1, values.count >= count * length else { return .nothing }
    let every = (length - 1) / Self.mostValues + 1
    return .signals(
      (0..<min(count, 8)).map { signal in
        stride(from: 0, to: length, by: every).map { place in
          values[isInterleaved ? place * count + signal : signal * length + place]
        }
      })
  }
}
