package config

import "github.com/heddle-mesh/heddle/mesh"

// meshName is the name under which checks find the two files about the mesh.
const meshName = "mesh"

// MeshObject makes an object of a mesh configuration or of mesh networks, which
// checks find by KindMeshConfig and KindMeshNetworks. It belongs to what checks
// look at, never into a mesh.
func MeshObject(kind mesh.Kind, file File, spec any) *mesh.Object {
	return &mesh.Object{
		Ref: mesh.Ref{Kind: kind, Name: meshName}, Spec: spec, Origin: mesh.Origin{File: file.Name, Line: 1},
		Version: TextVersion(file.Data), Hash: mesh.HashOf(file.Data), Text: file.Data,
	}
}
