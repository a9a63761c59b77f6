import LockstepFiles

/// What the last evaluation of a run found about single examples: `evaluation.json`.
package struct EvaluationRecord: Sendable, Equatable {
  /// How often each class was taken for which.
  package struct Confusion: Sendable, Equatable {
    /// The classes' names.
    package let classes: [String]
    /// A row for each label, a column for each prediction.
    package let counts: [[Int]]

    /// Counts predictions.
    package init(classes: [String], labels: [Int], predictions: [Int]) {
      var counts = [[Int]](
        repeating: Array(repeating: 0, count: classes.count), count: classes.count)
      for (label, prediction) in zip(labels, predictions)
      where counts.indices.contains(label) && counts.indices.contains(prediction) {
        counts[label][prediction] += 1
      }
      self.classes = classes
      self.counts = counts
    }

    fileprivate init?(_ json: JSONValue) {
      guard let classes = json["classes"]?.arrayValue?.compactMap(\.stringValue),
        let counts = json["counts"]?.arrayValue?.map({
          $0.arrayValue?.compactMap(\.integerValue) ?? []
        }), counts.count == classes.count, counts.allSatisfy({ $0.count == classes.count })
      else { return nil }
      self.classes = classes
      self.counts = counts
    }
  }

  /// An example with its prediction.
  package struct Example: Sendable, Equatable {
    /// Where the example stands: `line 18`.
    package var place: String
    /// What is right.
    package var label: String
    /// What the model says.
    package var prediction: String
    /// Whether that is the right class.
    package var isRight: Bool
    /// The example's loss.
    package var loss: Double
    /// What the example looks like.
    package var look: Look

    /// An example with these words.
    package init(
      place: String, label: String, prediction: String, isRight: Bool, loss: Double, look: Look
    ) {
      self.place = place
      self.label = label
      self.prediction = prediction
      self.isRight = isRight
      self.loss = loss
      self.look = look
    }
  }

  /// What an example looks like.
  package enum Look: Sendable, Equatable {
    /// A picture: a PNG file in base64.
    case picture(String)
    /// Cells of a table: a column's name and its value.
    case cells([(name: String, value: String)])
    /// A text.
    case text(String)
    /// Values one behind the other, a list for each signal.
    case signals([[Float]])
    /// Nothing that can be shown.
    case nothing

    package static func == (left: Self, right: Self) -> Bool { left.json == right.json }
  }

  /// The part of the data: `test`.
  package let part: String
  /// The step after which it was made.
  package let step: Int
  /// How many examples there were.
  package let examples: Int
  /// What ``Example/loss`` is: `loss`, or `error` in the target's unit.
  package let lossName: String
  /// The confusion matrix of exclusive classes.
  package let confusion: Confusion?
  /// The curves of classes or labels.
  package let curves: [RocCurve]
  /// The examples with the largest losses, the largest first.
  package let worst: [Example]

  /// The name of the file in a run directory.
  package static let name = "evaluation.json"

  /// A record of these findings.
  package init(
    part: String, step: Int, examples: Int, lossName: String, confusion: Confusion?,
    curves: [RocCurve], worst: [Example]
  ) {
    self.part = part
    self.step = step
    self.examples = examples
    self.lossName = lossName
    self.confusion = confusion
    self.curves = curves
    self.worst = worst
  }

  /// The file's content.
  package var json: JSONValue {
    [
      "part": .string(part), "step": .integer(step), "examples": .integer(examples),
      "lossName": .string(lossName),
      "confusion": confusion.map { confusion in
        [
          "classes": .array(confusion.classes.map { .string($0) }),
          "counts": .array(confusion.counts.map { .array($0.map { .integer($0) }) }),
        ]
      } ?? .null,
      "curves": .array(curves.map(\.json)), "worst": .array(worst.map(\.json)),
    ]
  }

  /// Reads the file of a run directory; nil where there is none.
  ///
  /// - Throws: `FileError` where it is damaged.
  package init?(directory: String) throws(FileError) {
    let path = "\(directory)/\(Self.name)"
    guard let json = try JSONValue.file(path) else { return nil }
    guard let part = json["part"]?.stringValue, let step = json["step"]?.integerValue,
      let examples = json["examples"]?.integerValue, let lossName = json["lossName"]?.stringValue,
      let curves = json["curves"]?.arrayValue, let worst = json["worst"]?.arrayValue
    else { throw .notARecord(path, of: "an evaluation") }
    self.init(
      part: part, step: step, examples: examples, lossName: lossName,
      confusion: json["confusion"].flatMap(Confusion.init),
      curves: curves.compactMap(RocCurve.init), worst: worst.compactMap(Example.init))
  }
}

extension EvaluationRecord.Example {
  fileprivate var json: JSONValue {
    [
      "place": .string(place), "label": .string(label), "prediction": .string(prediction),
      "right": .bool(isRight), "loss": .number(loss), "look": look.json,
    ]
  }

  fileprivate init?(_ json: JSONValue) {
    guard let place = json["place"]?.stringValue, let label = json["label"]?.stringValue,
      let prediction = json["prediction"]?.stringValue, let loss = json["loss"]?.number
    else { return nil }
    self.init(
      place: place, label: label, prediction: prediction,
      isRight: json["right"]?.boolValue ?? false, loss: loss,
      look: json["look"].flatMap(EvaluationRecord.Look.init) ?? .nothing)
  }
}

extension EvaluationRecord.Look {
  fileprivate var json: JSONValue {
    switch self {
    case .picture(let data): ["picture": .string(data)]
    case .cells(let cells):
      ["cells": .array(cells.map { [.string($0.name), .string($0.value)] })]
    case .text(let text): ["text": .string(text)]
    case .signals(let signals):
      ["signals": .array(signals.map { .array($0.map { .number(Double($0)) }) })]
    case .nothing: .null
    }
  }

  fileprivate init?(_ json: JSONValue) {
    if let data = json["picture"]?.stringValue {
      // Nothing but base64 may get into the page.
      let isBase64 = data.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"),
          UInt8(ascii: "="):
          true
        default: false
        }
      }
      guard isBase64 else { return nil }
      self = .picture(data)
    } else if let cells = json["cells"]?.arrayValue {
      self = .cells(
        cells.compactMap { cell in
          guard let pair = cell.arrayValue, pair.count == 2, let name = pair[0].stringValue,
            let value = pair[1].stringValue
          else { return nil }
          return (name, value)
        })
    } else if let text = json["text"]?.stringValue {
      self = .text(text)
    } else if let signals = json["signals"]?.arrayValue {
      self = .signals(
        signals.map { $0.arrayValue?.compactMap { $0.number.map { Float($0) } } ?? [] })
    } else {
      self = .nothing
    }
  }
}
