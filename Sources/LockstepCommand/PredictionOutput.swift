import Lockstep
import LockstepConfiguration
import LockstepFiles

/// Computes predictions some batches at a time, and writes them as they come: memory does not grow with the
/// number of examples.
struct PredictionOutput {
  let model: TrainedModel
  let format: PredictionTable.Format
  /// The file; nil for standard output.
  let path: String?

  /// The batches that are computed before their predictions are written: a number of the job's, not of the
  /// ranks'.
  private static let batchesTogether = 256

  /// Writes the predictions of all examples. Called by all ranks; rank 0 writes.
  func write(on collective: any Collective) throws {
    guard collective.isRoot, let path else {
      try collective.throwOnAll(nil)
      return try forEachChunk(on: collective) {
        try Console.print(String(decoding: $0, as: UTF8.self))
      }
    }
    var hasBegun = false
    do {
      try OutputFile.write(path) { output in
        hasBegun = true
        try collective.throwOnAll(nil)
        try forEachChunk(on: collective) { try output.append($0) }
      }
    } catch {
      // The other ranks wait for this one to open its file.
      if !hasBegun { try collective.throwOnAll(error) }
      throw error
    }
  }

  private func forEachChunk(
    on collective: any Collective, _ write: ([UInt8]) throws -> Void
  ) throws {
    let computed = try model.exampleOutputs(areAll: true, on: collective)
    let count = model.part.examples.count
    let together = model.named.configuration.evaluationBatchSize * Self.batchesTogether
    for start in stride(from: 0, to: count, by: together) {
      let examples = start..<min(start + together, count)
      let outputs = try computed.values(of: examples, on: collective)
      try collective.onRoot {
        if !model.named.configuration.heads.isEmpty {
          let table = try HeadPredictions(
            outputs, widths: computed.widths, of: model, examples: examples)
          try table.check()
          return try write(Array(table.text(format, hasHeader: start == 0).utf8))
        }
        let table = try PredictionTable(
          outputs, of: model.part, model.description,
          loss: model.named.configuration.labelLoss, examples: examples)
        try table.check()
        if format == .npy {
          if start == 0 { try write(NumpyHeader.bytes(shape: [count] + table.arrayShape)) }
          try write(table.arrayBytes)
        } else {
          try write(Array(table.text(format, hasHeader: start == 0).utf8))
        }
      }
    }
  }
}

/// The header of a NumPy file of Float32 values, format 1.0.
enum NumpyHeader {
  /// The bytes before the values.
  static func bytes(shape: [Int]) -> [UInt8] {
    let extents = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var text = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(extents)), }"
    // Values begin at a multiple of 64 bytes.
    let length = 10 + text.utf8.count + 1
    text += String(repeating: " ", count: (64 - length % 64) % 64) + "\n"
    let count = text.utf8.count
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(count & 0xff), UInt8(count >> 8)]
      + Array(text.utf8)
  }
}
