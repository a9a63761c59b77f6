import LockstepDatasets
import LockstepEngine
import LockstepLayers
import LockstepTraining
import Testing

/// Multiplications and parameters of each layer, against counts by hand.
@Suite struct LayerWorkTests {
  private func work(_ model: any Model, _ shape: [Int]) throws -> [LayerWork] {
    let data = try Dataset(
      name: "zeros", inputShape: shape,
      inputs: .floats([Float](repeating: 0, count: 4 * shape.reduce(1, *))),
      labels: .classes([0, 1, 2, 0], count: 3))
    return try ModelSource(model, loss: SoftmaxCrossEntropy(), on: data, seed: 1).layerWork()
  }

  @Test func convolutionsAndLinearLayers() throws {
    let model = Sequential {
      Conv2d(4, kernel: 3, padding: .same)
      ReLU()
      Flatten()
      Linear(3)
    }
    let rows = try work(model, [2, 6, 5]).filter { $0.multiplyAdds > 0 || $0.parameters > 0 }
    #expect(rows.map(\.shape) == [[1, 4, 6, 5], [1, 3]])
    #expect(rows.map(\.parameters) == [76, 363])
    #expect(rows.map(\.multiplyAdds) == [2160, 360])
  }

  @Test func recurrentLayers() throws {
    let model = Sequential {
      LSTM(2, 5, output: .state)
      Linear(3)
    }
    let rows = try work(model, [7, 2]).filter { $0.parameters > 0 }
    #expect(rows.map(\.parameters) == [180, 18])
    // Seven positions of 20 · 2 + 20 · 5, and the head's 15.
    let total = rows.map(\.multiplyAdds).reduce(0, +)
    #expect(total == 995)
  }
}
